"""One set of images, wherever it lies: the same ids, labels and pixels."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from PIL import Image

from helpers.tiny import Tiny
from lamella.config.preprocessing import Preprocessing
from lamella.images.finding import Digests, find
from lamella.images.images import Images

HOW = Preprocessing(resize=20, size=16)
CLASSES = ("bird", "cat", "dog")


def found(tiny: Tiny, digests: Digests | None = None) -> Images:
    return find(tiny.config(), HOW, digests or Digests())


def samples() -> dict[str, bytes]:
    """Files of images of several formats by `class/name`."""
    random = np.random.default_rng(0)
    content = {}
    for number in range(9):
        image = Image.fromarray(random.integers(0, 256, (24, 20 + number, 3), dtype=np.uint8))
        kind = ("PNG", "JPEG", "WEBP")[number // 3]
        buffer = io.BytesIO()
        image.save(buffer, kind)
        content[f"{CLASSES[number % 3]}/{number:03d}.{kind.lower()}"] = buffer.getvalue()
    return content


def in_a_folder(top: Path) -> str:
    for name, content in samples().items():
        (top / "plain" / name).parent.mkdir(parents=True, exist_ok=True)
        (top / "plain" / name).write_bytes(content)
    return "plain"


def in_a_zip(top: Path) -> str:
    with zipfile.ZipFile(top / "images.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for at, (name, content) in enumerate(samples().items()):
            archive.writestr(name, content, zipfile.ZIP_STORED if at % 2 else None)
    return "images.zip"


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def in_a_tar(top: Path) -> str:
    with tarfile.open(top / "images.tar", "w") as archive:
        for name, content in samples().items():
            add(archive, f"./{name}", content)
    return "images.tar"


def in_shards(top: Path) -> str:
    """As webdataset writes them, two of them; labels in .cls, and one in .json."""
    (top / "shards").mkdir()
    for shard in range(2):
        with tarfile.open(top / "shards" / f"{shard}.tar", "w") as archive:
            for at, (name, content) in enumerate(samples().items()):
                if at % 2 == shard:
                    label, file = name.split("/")
                    add(archive, file, content)
                    stem = file.partition(".")[0]
                    if at:
                        add(archive, f"{stem}.cls", f"{label}\n".encode())
                    else:
                        add(archive, f"{stem}.json", json.dumps({"label": label}).encode())
    return "shards"


def table() -> pa.Table:
    """As Hugging Face's `datasets` has it."""
    features = {
        "image": {"_type": "Image"},
        "label": {"_type": "ClassLabel", "names": list(CLASSES)},
    }
    rows = [
        ({"bytes": content, "path": name}, CLASSES.index(name.split("/")[0]))
        for name, content in samples().items()
    ]
    image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    return pa.table(
        {
            "id": list(range(len(rows))),
            "image": pa.array([row[0] for row in rows], image),
            "label": pa.array([row[1] for row in rows], pa.int64()),
        }
    ).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def in_a_parquet(top: Path) -> str:
    pyarrow.parquet.write_table(table(), top / "train.parquet", row_group_size=4)
    return "train.parquet"


def in_plain_columns(top: Path) -> str:
    """Bytes and text, as pandas writes them; in two files of a folder."""
    whole = table()
    plain = pa.table(
        {
            "jpg": [value["bytes"] for value in whole["image"].to_pylist()],
            "class": [CLASSES[at] for at in whole["label"].to_pylist()],
        }
    )
    (top / "tables").mkdir()
    for at in range(2):
        pyarrow.parquet.write_table(plain.slice(5 * at, 5), top / "tables" / f"{at}.parquet")
    return "tables"


def in_an_arrow(top: Path) -> str:
    """As `save_to_disk` writes it."""
    (top / "saved").mkdir()
    path = top / "saved" / "data-00000-of-00001.arrow"
    with pyarrow.ipc.new_stream(path, table().schema) as stream:
        stream.write_table(table(), max_chunksize=4)
    (path.parent / "state.json").write_text("{}")
    return "saved"


FORMS: dict[str, Callable[[Path], str]] = {
    "zip": in_a_zip,
    "tar": in_a_tar,
    "webdataset": in_shards,
    "parquet": in_a_parquet,
    "plain columns": in_plain_columns,
    "arrow": in_an_arrow,
}


@pytest.mark.parametrize("form", FORMS)
def test_images_are_the_same_wherever_they_lie(tiny: Tiny, tmp_path: Path, form: str) -> None:
    plain = found(tiny.change(images__folder=in_a_folder(tmp_path)))
    assert len(plain) == 9
    images = found(tiny.change(images__folder=FORMS[form](tmp_path)))
    assert images.manifest.digest == plain.manifest.digest
    for number, (one, other) in enumerate(
        zip(images.manifest.photographs, plain.manifest.photographs, strict=True)
    ):
        assert (one.id, one.label) == (other.id, other.label)
        assert (images.decoded(number) == plain.decoded(number)).all()
    # Read ahead by many threads, one gets what one alone gets.
    skipped: dict[int, str] = {}
    batches = list(images.batches(4, skipped=skipped))
    assert not skipped and sum(len(batch.numbers) for batch in batches) == 9
    for batch in batches:
        for number, pixels in zip(batch.numbers, batch.values, strict=True):
            assert (pixels == plain.pixels(number)).all()


NAMES = {
    "zip": "images.zip/cat/001.png",
    "tar": "images.tar/cat/001.png",
    "webdataset": "1.tar/001.png",
    "parquet": "train.parquet/1",
    "arrow": "data-00000-of-00001.arrow/1",
}


@pytest.mark.parametrize("form", NAMES)
def test_images_are_named_by_what_they_lie_in(tiny: Tiny, tmp_path: Path, form: str) -> None:
    images = found(tiny.change(images__folder=FORMS[form](tmp_path)))
    (number,) = images.named([NAMES[form]], "here")
    with Image.open(io.BytesIO(samples()["cat/001.png"])) as image:
        assert images.decoded(number).mean() == pytest.approx(np.asarray(image).mean(), abs=3)


def test_nothing_is_read_anew_before_its_file_changes(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "all").mkdir()
    in_a_zip(tmp_path / "all")
    in_a_tar(tmp_path / "all")
    in_a_parquet(tmp_path / "all")
    tiny.change(images__folder="all")
    digests = Digests()
    before = found(tiny, digests).manifest
    assert digests.fresh == 27 and len(before.photographs) == 9, "each is there three times"
    digests = Digests(json.loads(json.dumps(digests.known)))  # as the store keeps them
    assert found(tiny, digests).manifest == before and not digests.fresh
    former = Digests({path: [*entry[:2], "0" * 32] for path, entry in digests.known.items()})
    assert found(tiny, former).manifest == before, "as an older lamella kept them"
    with tarfile.open(tmp_path / "all" / "images.tar", "a") as archive:
        add(archive, "new.png", b"no image")
    assert len(found(tiny, digests)) == 10 and digests.fresh == 10


@pytest.mark.parametrize("labels", ["file", "none"])
def test_labels_of_archives_and_tables(tiny: Tiny, tmp_path: Path, labels: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        add(archive, "cat/great_tit-1.png", samples()["cat/001.png"])
    tiny.change(images__folder="a.tar", images__labels=labels)
    (photograph,) = found(tiny).manifest.photographs
    assert photograph.label == {"file": "great_tit", "none": ""}[labels]
    every = found(tiny.change(images__folder=in_a_parquet(tmp_path))).manifest.labels
    assert every == {"file": CLASSES, "none": ()}[labels]


def test_an_archive_is_searched_like_a_subfolder(tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "images" / "birds"
    folder.mkdir()
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        archive.writestr("in/", "")
        for name in ("top.png", "in/wren/1.png", ".hidden.png", "__MACOSX/._1.png", "notes.txt"):
            archive.writestr(name, samples()["cat/001.png"] + name.encode())
    manifest = found(tiny).manifest
    labels = {one.name: one.label for one in manifest.photographs if "b.zip" in one.name}
    assert labels == {"birds/b.zip/top.png": "birds", "birds/b.zip/in/wren/1.png": "wren"}
    assert manifest.passed_over == ((".txt file", 1),)


def test_an_atlas_of_a_tar(tiny: Tiny, tmp_path: Path) -> None:
    output = tiny.change(images__folder=in_shards(tmp_path)).works("build")
    assert "9 images in" in output
    page = (tmp_path / "public" / "tiny" / "0" / "0.html").read_text()
    assert all(label in page for label in CLASSES)
    assert not list((tmp_path / "shards").glob("*/*")), "nothing is unpacked"


def test_rare_kinds_of_files_are_counted_together(tiny: Tiny) -> None:
    for number in range(40):
        (tiny.folder / "images" / f"a.k{number}").touch()
    (tiny.folder / "images" / "a.\x1b[31m").touch()
    passed = dict(found(tiny).manifest.passed_over)
    assert passed.pop("other file") == 21 and set(passed.values()) == {1} and len(passed) == 20
