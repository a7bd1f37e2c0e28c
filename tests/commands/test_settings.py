"""Every key of atlas.toml is described where it is set, and listed in site/docs/settings.md."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lamella.analyses import PANELS, known_panels
from lamella.cli import main
from lamella.commands.settings import document
from lamella.config.config import Config

KEPT = Path(__file__).parents[2] / "site" / "docs" / "settings.md"


def keys(section: type[BaseModel] = Config, below: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key of atlas.toml, by its dotted path."""
    for name, field in section.model_fields.items():
        path = f"{below}.{name}" if below else name
        yield path, field
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from keys(kind, path)


def settings() -> Iterator[tuple[str, FieldInfo]]:
    """Every setting of every panel."""
    for panel in known_panels():
        for name, field in panel.settings.model_fields.items():
            yield f"panels.{panel.name}.{field.alias or name}", field


KEYS = dict(keys()) | dict(settings())


def test_the_page_is_what_the_command_prints() -> None:
    printed = CliRunner().invoke(main, ["settings"]).output
    assert printed == document()
    assert document(PANELS) == KEPT.read_text(encoding="utf-8"), (
        "run: lamella settings > site/docs/settings.md"
    )


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_described_and_listed(key: str) -> None:
    description = KEYS[key].description
    assert description and description.endswith(".") and len(description) > 10
    section, _, name = key.rpartition(".")
    parts = document().split("\n## ")
    own = next(part for part in parts if part.startswith(f"[{section}]" if section else "Top"))
    is_section = any(part.startswith(f"[{key}]") for part in parts) or key == "panels"
    assert is_section or (f"| `{name}` |" in own and description.split("|")[0] in own)
