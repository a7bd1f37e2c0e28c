"""Whatever can be set is described where it is set, and in the README."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lamella.analyses import known_panels
from lamella.cli import main
from lamella.commands.init import ATLAS
from lamella.config.config import Config

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


def keys(section: type[BaseModel] = Config, below: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key of atlas.toml, by its dotted path."""
    for name, field in section.model_fields.items():
        path = f"{below}.{name}" if below else name
        yield path, field
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from keys(kind, path)


def settings() -> Iterator[tuple[str, str, FieldInfo]]:
    """Every setting of every panel."""
    for panel in known_panels():
        for name, field in panel.settings.model_fields.items():
            yield panel.name, name, field


KEYS = dict(keys())
SETTINGS = {f"{panel}.{name}": field for panel, name, field in settings()}


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


@pytest.mark.parametrize("key", [*KEYS, *SETTINGS])
def test_every_key_and_setting_has_a_description(key: str) -> None:
    description = (KEYS | SETTINGS)[key].description
    assert description and description.endswith(".") and len(description) > 10


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_in_the_readme(readme: str, option: str) -> None:
    found = any(mentioned(way, readme) for way in OPTIONS[option])
    assert found, f"README.md does not mention {option}"


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_in_the_readme_or_in_what_init_writes(readme: str, key: str) -> None:
    name = key.rpartition(".")[2]
    assert mentioned(name, ATLAS + readme), key


@pytest.mark.parametrize("panel", [panel.name for panel in known_panels()])
def test_every_panel_is_in_the_readme(readme: str, panel: str) -> None:
    assert mentioned(panel, readme), f"README.md does not mention the panel {panel}"


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_is_in_the_readme(readme: str, setting: str) -> None:
    """In one block or line with its panel, or as panel.setting."""
    panel, name = setting.split(".")
    together = [part for part in re.split(r"\n\s*\n|```", readme) if mentioned(panel, part)]
    assert any(mentioned(name, part) for part in together), f"README.md does not mention {setting}"


def test_the_readme_names_no_option_that_does_not_exist(readme: str) -> None:
    commands = [line for line in readme.splitlines() if "lamella " in line]
    used = {option for line in commands for option in re.findall(r"(?<!\S)--[a-z-]+", line)}
    assert used <= {"--help"}.union(*OPTIONS.values())


def test_the_readme_names_no_command_that_does_not_exist(readme: str) -> None:
    named = set(re.findall(r"(?:^|`|bin/|\$ )lamella ([a-z]+)", readme, re.MULTILINE))
    assert named <= set(main.commands)
