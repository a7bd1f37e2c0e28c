"""Formats that need a plug-in: read where it is installed, told where it is not."""

import subprocess
import sys
from pathlib import Path

import pytest

from helpers.tiny import ENVIRONMENT, Tiny
from lamella.images.plugins import PLUGGED

READ = """\
import io, sys, types
from PIL import Image, PngImagePlugin

def register():  # stands in for the plug-in's
    Image.register_extension("PNG", ".heic")
    Image.register_extension("PNG", ".heif")

sys.modules["pillow_heif"] = module = types.ModuleType("pillow_heif")
module.register_heif_opener = register
module.__spec__ = types.SimpleNamespace()
from lamella.images.decoding import SUFFIXES, decode
from lamella.config.preprocessing import Preprocessing
assert {".heic", ".heif"} <= SUFFIXES
Image.new("RGB", (30, 30), "red").save("a.heic", "PNG")
from pathlib import Path
print(decode(Path("a.heic"), Preprocessing(resize=20, size=16)).shape)
"""


def test_with_the_plug_in_heic_is_an_image(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.stdout == "(16, 16, 3)\n", done.stderr


@pytest.mark.skipif(".heic" in PLUGGED, reason="pillow-heif is installed")
def test_without_it_heic_is_passed_over_with_the_remedy(tiny: Tiny) -> None:
    for number in range(2):
        (tiny.folder / "images" / f"{number}.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    result = tiny.run("build")
    assert result.exit_code == 0
    assert "3 images, but 2 .heic files (install pillow-heif)." in result.stderr
    about = (tiny.folder / "public" / "about.html").read_text()
    assert ".heic file (install pillow-heif)" in about
