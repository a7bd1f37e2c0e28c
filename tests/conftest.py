"""What all tests share: torchvision made to import, patience, a small atlas, and the first one."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from helpers.forked import Forks
from helpers.tiny import ENVIRONMENT, NETWORK, Tiny, write_images
from lamella.loading.torchvision_models import mend_torchvision
from lamella.site import publish

mend_torchvision()
settings.register_profile("lamella", deadline=None)  # machines are shared; no test is timed
settings.load_profile("lamella")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many attacks `make soak` makes; fewer for a first look."""
    for name in ("--kills", "--flips", "--pairs"):
        parser.addoption(name, type=int, metavar="NUMBER")


@pytest.fixture(autouse=True, scope="session")
def power_that_never_fails() -> Iterator[None]:
    """Nobody waits for the disk, which takes longer than all else; one test looks at the order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        patch.setattr(publish, "sync_disk", lambda folder: None)
        yield


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Commands in processes of their own that start at once."""
    found = Forks()
    yield found
    found.close()


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_images(tmp_path / "images")


@pytest.fixture
def tiny(tmp_path: Path, images: Path) -> Tiny:
    (tmp_path / "network.py").write_text(NETWORK)
    return Tiny(tmp_path).change()


README = Path(__file__).parents[1] / "README.md"


@dataclass(frozen=True)
class FirstAtlas:
    """What the README's commands make: the folder, and what the last of them printed."""

    folder: Path
    printed: str


@pytest.fixture(scope="session")
def first_atlas(tmp_path_factory: pytest.TempPathFactory) -> FirstAtlas:
    """The atlas of `lamella init` with all analyses, built once by the README's own commands."""
    folder = tmp_path_factory.mktemp("first")
    blocks = re.findall(r"```console\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    for command in [shlex.split(each) for each in commands if each.startswith("lamella")]:
        if command[1] == "build":  # with the analyses, too, that init leaves for later
            config = folder / command[2]
            config.write_text(re.sub(r'\n    "![^\n]*', "", config.read_text()))
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "lamella.cli", *command[1:]],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=600,
            env=ENVIRONMENT,
        )
        assert done.returncode == 0, done.stderr
    return FirstAtlas(folder / "my-atlas", done.stdout)
