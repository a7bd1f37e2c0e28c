"""Parquet and arrow files: which columns are read, how much at once, and what is told."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from helpers.tiny import Tiny, png
from lamella.config.preprocessing import Preprocessing
from lamella.errors import ImagesError
from lamella.images import tables
from lamella.images.finding import Digests, find
from lamella.images.images import Images

HOW = Preprocessing(resize=20, size=16)


def write(path: Path, columns: dict[str, Any], features: Any = None, size: int = 2) -> Path:
    """A parquet file, with row groups of that size."""
    table = pa.table(columns)
    if features:
        noted = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": noted})
    pyarrow.parquet.write_table(table, path, row_group_size=size)
    return path


def found(tiny: Tiny, name: str) -> Images:
    return find(tiny.change(images__folder=name).config(), HOW, Digests())


def labels(images: Images) -> dict[str, str]:
    return {one.name: one.label for one in images.manifest.photographs}


def class_label(*names: str) -> dict[str, Any]:
    return {"_type": "ClassLabel", "names": list(names)}


def test_columns_are_chosen_by_what_the_file_says_of_them(tiny: Tiny, tmp_path: Path) -> None:
    columns = {
        "label": ["wrong", "wrong"],
        "blob": [b"no", b"image"],
        "view": [{"bytes": png(n), "path": None} for n in range(2)],
        "kind": [1, 0],
    }
    write(
        tmp_path / "a.parquet", columns, {"view": {"_type": "Image"}, "kind": class_label("a", "b")}
    )
    assert labels(found(tiny, "a.parquet")) == {"a.parquet/0": "b", "a.parquet/1": "a"}


def test_labels_that_are_missing_are_none(tiny: Tiny, tmp_path: Path) -> None:
    images = [png(n) for n in range(5)]
    write(
        tmp_path / "a.parquet",
        {"image": images, "label": [None, -1, 0, 1, 2]},
        {"label": class_label("a", "")},
    )
    found_labels = labels(found(tiny, "a.parquet"))
    assert [found_labels[f"a.parquet/{n}"] for n in range(5)] == ["", "", "a", "", "2"]


def test_tables_of_other_things_are_passed_over(tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    write(folder / "metadata.parquet", {"file": ["1.png"], "label": ["cat"]})
    write(folder / "two.parquet", {"one": [b"1"], "other": [b"2"]})
    (folder / "empty.parquet").touch()
    (folder / "noise.arrow").write_bytes(b"\xff" * 1000)
    (folder / "cache-12ab.arrow").write_bytes(b"")
    images = found(tiny, "images")
    assert len(images) == 3 and dict(images.manifest.passed_over) == {
        "table without images": 2,
        "unreadable table": 2,
        "cached table": 1,
    }


def test_rows_without_an_image_are_broken_images(tiny: Tiny, tmp_path: Path) -> None:
    rows = [{"bytes": png(1), "path": "1.png"}, {"bytes": None, "path": "/etc/2.png"}, None]
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    write(tmp_path / "a.parquet", {"image": pa.array([*rows, {"bytes": b"text"}], kind)})
    images = found(tiny, "a.parquet")
    skipped: dict[int, str] = {}
    list(images.batches(2, skipped=skipped))
    why = {images.manifest.photographs[n].name: said for n, said in skipped.items()}
    assert why["a.parquet/1"] == why["a.parquet/2"] == "its row holds no bytes"
    assert "not an image" in why["a.parquet/3"] and len(why) == 3


def test_a_table_that_vanishes_is_told_without_its_path(tiny: Tiny, tmp_path: Path) -> None:
    path = write(tmp_path / "vanishing.parquet", {"image": [png(7)]})
    images = found(tiny, path.name)
    path.unlink()
    tables._Parquet._recent.clear()
    skipped: dict[int, str] = {}
    list(images.batches(2, skipped=skipped))
    assert "vanishing.parquet" in skipped[0] and str(tmp_path) not in skipped[0]


def test_few_row_groups_are_kept_and_one_is_read_at_a_time(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [png(n) for n in range(40)]
    write(tmp_path / "a.parquet", {"image": images}, size=4)
    group = 4 * len(images[0])
    monkeypatch.setattr(tables, "KEPT", 3 * group)
    monkeypatch.setattr(tables._Parquet, "_recent", tables.OrderedDict())
    found_images = found(tiny, "a.parquet")
    before = pa.total_allocated_bytes()
    for number in np.random.default_rng(0).permutation(40):
        found_images.decoded(int(number))
        assert len(tables._Parquet._recent) <= 3
    assert pa.total_allocated_bytes() - before < 8 * group


def test_a_row_group_that_fills_the_memory_is_told(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.parquet", {"image": [png(n) for n in range(9)]}, size=9)
    monkeypatch.setattr(tables, "MOST_GROUP", 5000)
    with pytest.raises(ImagesError, match=r"row group of .* GB.*\n.*row_group_size=100"):
        found(tiny, "a.parquet")


def test_without_pyarrow_it_is_said_what_to_install(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.parquet", {"image": [png(0)]})
    original = importlib.util.find_spec
    monkeypatch.setattr(
        tables, "find_spec", lambda name: None if name == "pyarrow" else original(name)
    )
    message = tiny.change(images__folder="a.parquet").fails("analyse")
    assert "a.parquet holds no image, but 1 .parquet file (install lamella[parquet])." in message


def test_an_arrow_file_is_checked_before_it_is_trusted(tiny: Tiny, tmp_path: Path) -> None:
    """Offsets that point elsewhere would have other memory read."""
    table = pa.table({"image": [png(n) for n in range(3)]})
    path = tmp_path / "a.arrow"
    with pyarrow.ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table)
    assert len(found(tiny, "a.arrow")) == 3
    lengths = np.cumsum([0, *(len(png(n)) for n in range(3))]).astype(np.int32).tobytes()
    content = path.read_bytes()
    assert content.count(lengths) == 1
    wrong = np.array([0, 1 << 30, 5, 1 << 30], np.int32).tobytes()
    path.write_bytes(content.replace(lengths, wrong))
    message = tiny.fails("analyse")
    assert "a.arrow holds no image, but 1 unreadable table." in message


@pytest.mark.parametrize("at", range(0, 100, 8))
def test_damage_anywhere_is_no_traceback(tmp_path: Path, at: int) -> None:
    for name in ("a.parquet", "a.arrow"):
        path = tmp_path / name
        table = pa.table({"image": [png(n) for n in range(4)], "label": ["a", "b", "c", "d"]})
        if name == "a.arrow":
            with pyarrow.ipc.new_stream(path, table.schema) as stream:
                stream.write_table(table)
        else:
            pyarrow.parquet.write_table(table, path, row_group_size=2)
        content = bytearray(path.read_bytes())
        place = at * len(content) // 100
        content[place : place + 8] = b"\xff\x00\x7f\x80\x01\xfe\x55\xaa"
        path.write_bytes(content)
        result = tables.in_table(path, name)
        images = Images(None, [one.file for one in result.images], HOW)  # type: ignore[arg-type]
        assert len(images) in (0, 4)
        skipped: dict[int, str] = {}
        list(images.batches(2, skipped=skipped))
        assert all(skipped.values())
