"""Panels: what they store, and what they show of it."""

from types import SimpleNamespace

import pytest

import lamella.analyses
from lamella.analyses import PANELS, known_panels
from lamella.analyses.panel import Panel
from lamella.errors import ConfigError


def test_panels_are_named_once_and_say_what_they_are():
    names = [panel.name for panel in PANELS]
    assert len(set(names)) == len(names)
    for panel in PANELS:
        assert panel.title and panel.per in {"unit", "network", "view"}
        assert set(panel.needs) <= {"survey", "labels", *names}
        for name, field in panel.settings.model_fields.items():
            assert field.description, f"[panels.{panel.name}] {name} is not described"


def test_a_panel_of_another_package_must_say_what_it_shows_of_images(monkeypatch) -> None:
    class Silent(Panel):
        name = title = "silent"

    point = SimpleNamespace(name="silent", load=lambda: Silent)
    monkeypatch.setattr(lamella.analyses, "entry_points", lambda group: [point])
    with pytest.raises(ConfigError, match="'silent' does not say what it shows of images"):
        known_panels()
    Silent.shows_photographs = False
    assert known_panels()[-1].name == "silent"
