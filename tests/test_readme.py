"""What the README says to type works, and what it shows is there."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
TEXT = (TOP / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
]


def test_every_command_is_of_a_kind_that_is_tested_here():
    assert {command.split()[0] for command in COMMANDS} == {"make", "pip", "lamella"}


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make")])
def test_make_knows_its_targets(command):
    """That they do what they say is what CI runs, and `make soak`."""
    if shutil.which("make") is None:
        pytest.skip("no make on this machine")
    done = subprocess.run([*shlex.split(command), "-n"], cwd=TOP, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("pip")])
def test_what_pip_is_asked_for_is_this_package(command):
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    name, extra = re.fullmatch(r"(\S+?)\[(\w+)\]", shlex.split(command)[-1]).groups()
    assert name == project["name"] and extra in project["optional-dependencies"]


def test_the_quick_start_builds_a_site(first_atlas):
    site = first_atlas.folder / "public"
    assert f"Open {site.resolve() / 'index.html'}" in first_atlas.printed
    for page in ("index.html", "my-network/0/3.html", "my-network/6/9.html", "my-network/map.html"):
        assert (site / page).is_file(), page
    assert len(list(site.glob("my-network/*/*-picture.webp"))) == 16 + 24 + 10


def test_links_to_files_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert target.startswith("http") or (TOP / target).is_file(), target


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
def test_python_that_the_readme_shows_runs(block, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "torch.Size([2, 3, 64, 64])" in done.stdout
