"""Panels: what they store, and what they show of it."""

from types import SimpleNamespace

import pytest

import lamella.analyses
from lamella.analyses import PANELS, known_panels
from lamella.analyses.panel import Panel, first_row, first_sentence
from lamella.errors import ConfigError
from lamella.figures import Cell, Gallery, Table


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


def test_the_first_sentence_of_the_first_note() -> None:
    quiet, said = Gallery("", ()), Gallery("", (), note="One cluster: score 0.37. And more.")
    assert first_sentence((quiet, said)) == "One cluster: score 0.37."
    assert first_sentence((Table("", (), note="Alone."), said)) == "Alone."
    assert first_sentence((quiet,)) == "" == first_sentence(())


def test_the_first_row_of_the_first_table() -> None:
    table = Table("", (("Against the strongest", Cell("1.9 times", "page.html")), ("Other", "2")))
    assert first_row((Gallery("", ()), table)) == "Against the strongest: 1.9 times"
    assert first_row((Table("", (("Alone",),)),)) == "Alone"
    assert first_row((Table("", ()),)) == "" == first_row(())
