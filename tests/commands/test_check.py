"""Everything that was written against its checksum: each fault is found, named, and mended."""

import json
import os
import random
import shutil
from pathlib import Path

import pytest

from helpers.forked import Forks, flip
from helpers.pages import written
from helpers.tiny import NETWORK, Tiny, mistake, write_images
from lamella.store.store import _compared

PANELS = ["dataset_examples", "predictions", "photographs", "attribution_maps", "layer_activations"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A complete atlas, with analyses of the whole network; tests leave it as it was."""
    folder = tmp_path_factory.mktemp("checked")
    write_images(folder / "images")
    (folder / "network.py").write_text(NETWORK)
    tiny = Tiny(folder).change(analysis__panels=["statistics", *PANELS])
    tiny.works("build")
    return tiny


@pytest.fixture
def site(whole: Tiny) -> dict[str, bytes]:
    return written(whole.folder / "public")


def numbers(tiny: Tiny) -> dict[str, bytes]:
    return {name: c for name, c in written(tiny.work).items() if name.endswith(".safetensors")}


def test_a_whole_atlas_has_nothing_to_tell(whole: Tiny) -> None:
    said = whole.works("check")
    assert said.count(" checked, 0 damaged") == 2
    assert whole.works("check", "--repair") == said
    assert "0 damaged" in whole.works("check", file=whole.folder / "public")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("part", ["work", "public"])
def test_a_flipped_bit_is_found_named_and_mended(
    whole: Tiny, site: dict[str, bytes], part: str, seed: int
) -> None:
    chance, stored = random.Random(f"{part}{seed}"), numbers(whole)
    files = [p for p in sorted((whole.folder / part).rglob("*")) if p.is_file()]
    path = chance.choice([p for p in files if p.stat().st_size])
    flip(path, chance.randrange(8 * path.stat().st_size))
    result = whole.run("check")
    assert f"{path}: " in result.stdout and "1 file is damaged." in mistake(result)
    whole.works("check", "--repair")
    assert written(whole.folder / "public") == site and numbers(whole) == stored


DOCUMENTS = ["atlas.json", "image-digests.json", "parts.json", "methods.json", "images.json"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_damaged_document_of_any_kind_is_named_and_mended(
    whole: Tiny, site: dict[str, bytes], name: str
) -> None:
    stored = numbers(whole)
    path = sorted(whole.work.rglob(name))[-1]
    flip(path, 4 * path.stat().st_size)
    result = whole.run("check")
    assert f"{path}: " in result.stdout and "1 file is damaged." in mistake(result)
    whole.works("check", "--repair")
    assert written(whole.folder / "public") == site and numbers(whole) == stored


def test_a_copy_of_the_pages_is_checked_without_its_atlas(whole: Tiny, tmp_path: Path) -> None:
    copy = shutil.copytree(whole.folder / "public", tmp_path / "copy")
    assert "0 damaged" in whole.works("check", file=copy)
    flip(copy / "index.html", 80)
    (copy / "about.html").unlink()
    result = whole.run("check", file=copy)
    assert f"{copy / 'index.html'}: its checksum does not fit" in result.stdout
    assert f"{copy / 'about.html'}: it is missing" in result.stdout
    assert "2 files are damaged." in mistake(result)
    assert "holds no .lamella/manifest.json" in mistake(whole.run("check", file=tmp_path))


def test_whatever_is_deleted_is_made_again(whole: Tiny, site: dict[str, bytes]) -> None:
    """Every note, shard and document of every analysis, one after another."""
    stored = numbers(whole)
    folders = [p for p in sorted(whole.work.iterdir()) if p.is_dir()]
    files = [p for folder in folders for p in sorted(folder.rglob("*.*")) if p.is_file()]
    by_kind = {f"{p.relative_to(whole.work).parts[0]}{p.suffix}{len(p.parts)}": p for p in files}
    assert len(by_kind) > 15
    for path in by_kind.values():
        path.unlink()
        _compared.clear()
        whole.works("build")
        assert path.exists(), path
        assert written(whole.folder / "public") == site and numbers(whole) == stored, path


def test_a_render_names_what_was_lost_and_a_build_makes_it_again(whole: Tiny) -> None:
    (path,) = whole.work.glob("attribution_maps-*/methods.json")
    path.unlink()
    assert f"{path} is damaged: it is missing." in whole.fails("render")
    said = whole.run("build")
    assert "is missing: all of attribution_maps is made again." in said.stderr
    whole.works("render")


def test_swapped_shards_are_named_and_made_again(whole: Tiny, site: dict[str, bytes]) -> None:
    first, second = sorted(whole.work.glob("dataset_examples-*/*/*.safetensors"))[:2]
    for suffix in (".safetensors", ".json"):
        one, other = first.with_suffix(suffix), second.with_suffix(suffix)
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)
        _compared.clear()
        message = whole.fails("render", "--site", str(whole.folder / "elsewhere"))
        assert " is damaged: its checksum does not fit." in message
        whole.works("check", "--repair")
        assert written(whole.folder / "public") == site


def test_a_store_of_an_earlier_format_is_told_and_left_alone(whole: Tiny, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / f"survey-{'0' * 16}" / "conv").mkdir(parents=True)
    (work / f"survey-{'0' * 16}" / "conv" / "00000-x.json").write_text('{"channels": [0]}')
    (work / "atlas.json").write_text(json.dumps({"lamella": "0.1.0", "keys": {}}))
    at = ("--work", str(work), "--site", str(tmp_path / "site"))
    assert "it is of an earlier format, and this lamella reads 2" in whole.fails("render", *at)
    result = whole.run("build", *at)
    assert result.exit_code == 0 and "of an earlier format" in result.stderr
    assert "1 folders of earlier settings" in whole.works("status", *at)


def test_a_store_that_is_gone_in_mid_run_ends_it_and_the_next_is_whole(
    whole: Tiny, forks: Forks, site: dict[str, bytes]
) -> None:
    """Nothing is written beside what is left, which would pass for complete later."""
    said, store = whole.folder / "said.txt", numbers(whole)
    shutil.rmtree(whole.work)
    attack = ("vanish", 30, str(whole.work))
    assert forks.run("build", str(whole.file), said=said, attack=attack) == 1
    assert "Error: " in said.read_text() and "Traceback" not in said.read_text()
    assert not whole.work.exists()
    whole.works("build")
    assert written(whole.folder / "public") == site and numbers(whole) == store


@pytest.mark.parametrize(("write", "when"), [(7, "half"), (40, "before")])
def test_a_killed_build_goes_on_and_leaves_no_drafts(
    whole: Tiny, forks: Forks, site: dict[str, bytes], write: int, when: str
) -> None:
    said = whole.folder / "said.txt"
    shutil.rmtree(whole.work)
    code = forks.run("build", str(whole.file), said=said, attack=("kill", write, when))
    assert code == -9, said.read_text()
    kept = {path: path.stat().st_mtime_ns for path in whole.work.glob("*/*/*.safetensors")}
    done = {path: at for path, at in kept.items() if path.with_suffix(".json").exists()}
    said_ = whole.run("build")
    assert said_.exit_code == 0 and "was killed; what was complete in" in said_.stderr
    assert all(path.stat().st_mtime_ns == at for path, at in done.items())
    assert written(whole.folder / "public") == site
    for folder in (whole.work, whole.folder / "public"):
        assert not list(folder.rglob(".draft-*"))


@pytest.mark.parametrize("both", [("build", "build"), ("analyse", "build"), ("render", "render")])
def test_two_at_once_end_well(
    whole: Tiny, forks: Forks, site: dict[str, bytes], both: tuple[str, str]
) -> None:
    if both != ("render", "render"):
        for note in sorted(whole.work.glob("*/*/[!.]*.json"))[::2]:
            note.unlink()
    for path in sorted((whole.folder / "public").rglob("*.html"))[::2]:
        path.unlink()
    said = [whole.folder / f"said{at}.txt" for at in range(2)]
    runs = [forks.start(c, str(whole.file), said=s) for c, s in zip(both, said, strict=True)]
    assert [forks.ended(run) for run in runs] == [0, 0], [text.read_text() for text in said]
    whole.works("render")
    assert written(whole.folder / "public") == site
    assert "0 damaged" in whole.works("check")


def test_a_complete_atlas_that_cannot_be_written_is_built_and_rendered(
    whole: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At another place than where it was made: nothing is written there."""
    copy = shutil.copytree(whole.folder, tmp_path / "copy")
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    moved = Tiny(copy, whole.tree)
    for command in ("build", "render", "status", "check"):
        moved.works(command)
    after = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    assert {p: at for p, at in after.items() if "__pycache__" not in p.parts} == {
        p: at for p, at in before.items() if "__pycache__" not in p.parts
    }
