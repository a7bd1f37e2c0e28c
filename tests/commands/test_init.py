"""`lamella init`: a folder that builds at once."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from helpers.tiny import mistake, process
from lamella.cli import main
from lamella.commands.init import sample_images
from lamella.config.config import load


def init(folder: Path) -> str:
    result = CliRunner().invoke(main, ["init", str(folder)])
    assert result.exit_code == 0, result.output
    return result.output


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_it_writes(tmp_path: Path) -> None:
    output = init(tmp_path / "new" / "atlas")
    assert f"lamella build {tmp_path / 'new' / 'atlas' / 'atlas.toml'}" in output
    names = {path.name for path in (tmp_path / "new" / "atlas").iterdir()}
    assert names == {"atlas.toml", "network.py", "images"}
    assert load(tmp_path / "new" / "atlas" / "atlas.toml").title


def test_images_are_the_same_on_every_machine_and_differ_from_each_other() -> None:
    images = dict(sample_images())
    assert images == dict(sample_images())
    assert len(set(images.values())) == len(images) == 24
    assert {name.split("/")[0] for name in images} == {"checks", "gratings"}


@pytest.mark.parametrize("name", ["atlas.toml", "network.py"])
def test_it_never_writes_over_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    before = everything(tmp_path)
    message = mistake(CliRunner().invoke(main, ["init", str(tmp_path)]))
    assert f"{tmp_path / name} exists and is left as it is.\n  Name another folder." in message
    assert everything(tmp_path) == before


def test_twice(tmp_path: Path) -> None:
    init(tmp_path)
    before = everything(tmp_path)
    assert "exists and is left as it is" in mistake(
        CliRunner().invoke(main, ["init", str(tmp_path)])
    )
    assert everything(tmp_path) == before


def test_images_that_are_there_are_kept(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "mine.png").write_bytes(b"")
    init(tmp_path)
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["mine.png"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = mistake(CliRunner().invoke(main, ["init", str(tmp_path / "file" / "atlas")]))
    assert f"Cannot write {tmp_path / 'file' / 'atlas'}" in message
    result = process("init", str(tmp_path / "file"))
    assert result.returncode == 2 and "is a file" in result.stderr


def test_init_then_build(first_atlas) -> None:
    page = first_atlas.folder / "public" / "index.html"
    assert first_atlas.printed.splitlines()[-1] == f"Open {page}"
    assert "Atlas of my network" in page.read_text(encoding="utf-8")
    pages = list((page.parent / "my-network").rglob("[0-9]*.html"))
    assert len(pages) == 50
    again = process("render", str(first_atlas.folder / "atlas.toml"))
    assert " 0 files written, 0 deleted" in again.stdout, again.stderr


def test_a_network_of_greys_builds(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["init", str(tmp_path), "--channels", "L"])
    assert result.exit_code == 0, result.output
    config = load(tmp_path / "atlas.toml")
    assert config.model.preprocessing is not None and config.model.preprocessing.planes == 1
    panels = ["--panel", "weights", "--panel", "dataset_examples"]
    built = CliRunner().invoke(main, ["build", str(tmp_path / "atlas.toml"), *panels])
    assert built.exit_code == 0, built.output
    assert (tmp_path / "public" / "my-network" / "0" / "0.html").is_file()


def test_a_librarys_network_comes_with_its_preprocessing(tmp_path: Path) -> None:
    source = "timm:vit_tiny_patch16_224"
    result = CliRunner().invoke(main, ["init", str(tmp_path), "--source", source])
    assert result.exit_code == 0 and not (tmp_path / "network.py").exists()
    file = tmp_path / "atlas.toml"
    config = load(file)
    assert (config.model.source, config.model.name) == (source, "vit_tiny_patch16_224")
    assert config.model.preprocessing is None
    file.write_text(file.read_text().replace("# weights = ", 'weights = "random" # '))
    some = ["--panel", "statistics", "--layer", "blocks.0.mlp.fc1", "--channels", "0"]
    built = CliRunner().invoke(main, ["build", str(file), *some])
    assert built.exit_code == 0, built.output
    assert "Its weights are random" in built.output
