"""Killed again and again without warning, a build ends with the same bytes as one left alone."""

import hashlib
import random
import signal
import subprocess
from pathlib import Path

import pytest

from helpers.tiny import started, write_images

pytestmark = pytest.mark.soak


def digests(folder: Path) -> dict[str, str]:
    """Of all files of a site, but for its own record of times."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".lamella" not in path.parts
    }


def test_a_build_that_is_killed_ends_as_one_that_is_not(tiny, tmp_path):
    write_images(tiny.folder / "images", 60)
    settings = {"steps": 24, "size": 32, "batch": 2}
    tiny.change(analysis__panels=["*"], panels__feature_visualization=settings)
    tiny.works("build", "--work", str(tmp_path / "w"), "--site", str(tmp_path / "s"))
    chance = random.Random(0)
    kills = [signal.SIGKILL, signal.SIGINT, signal.SIGTERM]
    for turn in range(12):
        with started("build", str(tiny.file)) as run:
            try:
                _, said = run.communicate(timeout=chance.uniform(3, 12))
            except subprocess.TimeoutExpired:
                run.send_signal(chance.choice(kills))
                _, said = run.communicate(timeout=60)
        assert "Traceback" not in said, (turn, said)
    tiny.works("build")
    left, right = digests(tiny.folder / "public"), digests(tmp_path / "s")
    assert left.keys() == right.keys()
    assert {name for name in right if left[name] != right[name]} == set()
