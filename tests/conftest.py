"""What all tests share: torchvision made to import, patience, and the fixtures of tiny.py."""

from pathlib import Path

import pytest
from hypothesis import settings

from helpers.tiny import NETWORK, Tiny, write_images
from lamella.network.model import mend_torchvision

mend_torchvision()
settings.register_profile("lamella", deadline=None)  # machines are shared; no test is timed
settings.load_profile("lamella")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_images(tmp_path / "images")


@pytest.fixture
def tiny(tmp_path: Path, images: Path) -> Tiny:
    (tmp_path / "network.py").write_text(NETWORK)
    return Tiny(tmp_path).change()
