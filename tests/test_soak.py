"""Killed again and again without warning, a build ends with the same bytes as one left alone."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lamella
from tiny import Tiny, write_images

pytestmark = pytest.mark.soak


def digests(folder: Path) -> dict[str, str]:
    """Of all files of a site, but for its own record of times."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".lamella" not in path.parts
    }


def start(tiny: Tiny, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "lamella.cli", "build", str(tiny.file), *options],
        env=os.environ | {"PYTHONPATH": str(Path(lamella.__file__).parents[1])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def test_a_build_that_is_killed_ends_as_one_that_is_not(tiny, tmp_path):
    write_images(tiny.folder / "images", 60)
    settings = {"steps": 24, "size": 32, "batch": 2}
    tiny.change(analysis__panels=["*"], panels__feature_visualization=settings)
    whole = start(tiny, "--work", str(tmp_path / "w"), "--site", str(tmp_path / "s"))
    assert whole.wait(timeout=300) == 0, whole.stderr.read()
    chance = random.Random(0)
    for turn in range(20):
        run = start(tiny)
        try:
            code = run.wait(timeout=chance.uniform(2, 12))
        except subprocess.TimeoutExpired:
            run.send_signal(chance.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM]))
            code = run.wait(timeout=60)
        assert b"Traceback" not in run.stderr.read(), turn
        if code == 0:
            break
        time.sleep(0.1)
    else:
        assert start(tiny).wait(timeout=300) == 0
    left, right = digests(tiny.folder / "public"), digests(tmp_path / "s")
    assert left.keys() == right.keys()
    assert {name for name in right if left[name] != right[name]} == set()
