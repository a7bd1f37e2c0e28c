"""Panels: what they store, and what they show of it."""

from lamella.analyses import PANELS


def test_panels_are_named_once_and_say_what_they_are():
    names = [panel.name for panel in PANELS]
    assert len(set(names)) == len(names)
    for panel in PANELS:
        assert panel.title and panel.per in {"unit", "network", "view"}
        assert set(panel.needs) <= {"survey", "labels", *names}
        for name, field in panel.settings.model_fields.items():
            assert field.description, f"[panels.{panel.name}] {name} is not described"
