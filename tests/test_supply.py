"""What is installed and shipped: pins with hashes that agree, and a wheel that is whole."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from conftest import FirstAtlas

TOP = Path(__file__).parents[1]


def pins(name: str) -> dict[str, str]:
    """Versions by name."""
    found = re.findall(r"^([\w.-]+)==([\w.+]+)", (TOP / name).read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in found}


def test_pins_with_hashes_are_the_pins() -> None:
    """`make lock` writes them anew."""
    plain, locked = pins("constraints.txt"), pins("requirements.lock")
    assert {name: locked[name] for name in plain if name in locked} == {
        name: version for name, version in plain.items() if name in locked
    }
    assert set(locked) >= {"torch", "pillow", "safetensors", "filelock", "pytest"}
    text = (TOP / "requirements.lock").read_text()
    assert "http://" not in text and "https://" not in text  # no registry of anybody's
    for entry in re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in entry, entry


def test_a_wheel_renders_an_atlas_without_the_checkout(
    first_atlas: FirstAtlas, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("generator", "templates", "assets"):
        ignored = shutil.ignore_patterns("node_modules", "__pycache__")
        shutil.copytree(TOP / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(TOP / name, source / name)
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=source,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    shutil.rmtree(source)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        assert any(name.endswith("licences.txt") for name in archive.namelist())
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    site = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-c", _RENDER, str(first_atlas.folder / "atlas.toml"), str(site)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "installed") in done.stdout
    assert (site / "index.html").read_bytes() == (
        first_atlas.folder / "public" / "index.html"
    ).read_bytes()


_RENDER = """
import sys, lamella
from lamella.__main__ import main
print(lamella.__file__)
sys.argv = ["lamella", "render", sys.argv[1], "--site", sys.argv[2]]
main()
"""


@pytest.mark.parametrize("target", ["lock", "sbom", "audit"])
def test_what_makes_them_is_documented(target: str) -> None:
    assert f"make {target}" in (TOP / "CONTRIBUTING.md").read_text()
