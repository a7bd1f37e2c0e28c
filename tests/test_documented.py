"""Every command, option and panel is in the README; it names none that does not exist."""

import re
from pathlib import Path

import click
import pytest

from lamella.analyses import known_panels
from lamella.cli import main

README = Path(__file__).parents[1] / "README.md"


def options() -> dict[str, set[str]]:
    """Every command and option of the command line, with the ways in which it is written."""
    found = {f"lamella {name}": {f"lamella {name}"} for name in main.commands}
    for command in (main, *main.commands.values()):
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                found[parameter.opts[-1]] = {*parameter.opts, *parameter.secondary_opts}
    return found


OPTIONS = options()


def code(text: str) -> str:
    """What stands in a Markdown text as code: blocks, and words in backticks."""
    blocks = re.findall(r"```.*?```", text, re.DOTALL)
    rest = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`[^`\n]+`", rest)])


def mentioned(word: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


@pytest.fixture(scope="module")
def readme() -> str:
    assert README.is_file(), "there is no README.md"
    return code(README.read_text(encoding="utf-8"))


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_in_the_readme(readme: str, option: str) -> None:
    found = any(mentioned(way, readme) for way in OPTIONS[option])
    assert found, f"README.md does not mention {option}"


@pytest.mark.parametrize("panel", [panel.name for panel in known_panels()])
def test_every_panel_is_in_the_readme(readme: str, panel: str) -> None:
    assert mentioned(panel, readme), f"README.md does not mention the panel {panel}"


def test_the_readme_names_no_option_that_does_not_exist(readme: str) -> None:
    commands = [line for line in readme.splitlines() if "lamella " in line]
    used = {option for line in commands for option in re.findall(r"(?<!\S)--[a-z-]+", line)}
    assert used <= {"--help"}.union(*OPTIONS.values())


def test_the_readme_names_no_command_that_does_not_exist(readme: str) -> None:
    named = set(re.findall(r"(?:^|`|bin/|\$ )lamella ([a-z]+)", readme, re.MULTILINE))
    assert named <= set(main.commands)
