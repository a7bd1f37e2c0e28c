"""Attacks on the store and the site: kills, flipped bits, several runs at once.

The first is of real processes; the others fork, and are many. A few of each run with all other
tests, see `test_check` and `test_lock`.
"""

import hashlib
import random
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from helpers.forked import Forks, flip
from helpers.tiny import NETWORK, Tiny, started, write_images

pytestmark = pytest.mark.soak

KILLS, FLIPS, PAIRS = 200, 60, 50
QUICK = {
    "feature_visualization": {"steps": 3, "size": 32},
    "diversity": {"steps": 2},
    "minimizing": {"steps": 2},
    "objectives": {"steps": 8, "size": 32},
    "activation_atlas": {"steps": 8},
}


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


class Attacked:
    """An atlas of all analyses whose runs are forked, and what it is when it is whole."""

    def __init__(self, folder: Path, forks: Forks) -> None:
        self.folder, self._forks = folder, forks
        write_images(folder / "images", 6)
        (folder / "network.py").write_text(NETWORK)
        self.tiny = Tiny(folder)
        self.tiny.change(analysis__panels=["*"], panels=QUICK)
        self.public = folder / "public"
        assert self.run("build") == 0, self.said()
        self.site, self.store = digests(self.public), self.numbers()

    def run(self, command: str, *options: str, attack: tuple[Any, ...] = ()) -> int:
        said = self.folder / "said.txt"
        return self._forks.run(command, str(self.tiny.file), *options, said=said, attack=attack)

    def at_once(self, *commands: str) -> list[int]:
        """The exit codes of some commands that start together."""
        runs = [
            self._forks.start(each, str(self.tiny.file), said=self.folder / f"run{at}.txt")
            for at, each in enumerate(commands)
        ]
        return [self._forks.ended(run) for run in runs]

    def said(self, name: str = "said") -> str:
        return (self.folder / f"{name}.txt").read_text()

    def numbers(self) -> dict[str, str]:
        """The digests of all shards."""
        return {name: d for name, d in digests(self.tiny.work).items() if name.endswith("ensors")}

    def is_whole(self) -> None:
        assert digests(self.public) == self.site, self.said()
        assert self.numbers() == self.store
        for folder in (self.tiny.work, self.public):
            assert not list(folder.rglob(".draft-*"))

    def clear(self) -> None:
        shutil.rmtree(self.tiny.work)
        shutil.rmtree(self.public)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory, forks) -> Attacked:
    return Attacked(tmp_path_factory.mktemp("attacked"), forks)


def complete(attacked: Attacked) -> dict[Path, int]:
    """The complete shards, and when their numbers were written."""
    notes = attacked.tiny.work.glob("*/*/[!.]*.json")
    return {note: note.with_suffix(".safetensors").stat().st_mtime_ns for note in notes}


def test_killed_at_any_write_it_goes_on_to_the_same_bytes(attacked, request):
    """Several kills on the way of each build; what was complete is not computed again."""
    chance, kills = random.Random(1), 0
    while kills < int(request.config.getoption("--kills") or KILLS):
        attacked.clear()
        while True:
            attack = ("kill", chance.randrange(1, 120), chance.choice(["before", "half", "after"]))
            before = complete(attacked)
            code = attacked.run("build", attack=attack)
            assert before.items() <= complete(attacked).items()
            if code == 0:
                break
            assert code == -signal.SIGKILL, attacked.said()
            kills += 1
        attacked.is_whole()


@pytest.mark.parametrize("part", ["work", "public"])
def test_any_flipped_bit_is_found_named_and_healed(attacked, request, part):
    chance = random.Random(2)
    for _ in range(int(request.config.getoption("--flips") or FLIPS)):
        files = [p for p in sorted((attacked.folder / part).rglob("*")) if p.is_file()]
        path = chance.choice([p for p in files if p.stat().st_size])
        bit = chance.randrange(8 * path.stat().st_size)
        flip(path, bit)
        assert attacked.run("check") == 1, (path, bit)
        assert f"{path}: " in attacked.said() and "Traceback" not in attacked.said()
        assert attacked.run("check", "--repair") == 0, (path, attacked.said())
        attacked.is_whole()


def test_two_runs_at_once_end_well(attacked, request):
    chance = random.Random(3)
    pairs = [("build", "build"), ("build", "analyse"), ("build", "render"), ("render", "render")]
    for at in range(int(request.config.getoption("--pairs") or PAIRS)):
        both = pairs[at % len(pairs)]
        if "analyse" in both or both == ("build", "build"):
            for note in sorted(attacked.tiny.work.glob("*/*/[!.]*.json")):
                if chance.random() < 0.3:
                    note.unlink()
        for path in attacked.public.rglob("*.html"):
            if chance.random() < 0.5:
                path.unlink()
        codes = attacked.at_once(*both)
        assert codes == [0, 0], (both, attacked.said("run0"), attacked.said("run1"))
        assert attacked.run("build") == 0, attacked.said()
        attacked.is_whole()
