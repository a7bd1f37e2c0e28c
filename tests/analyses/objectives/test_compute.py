"""All demonstrations: their keys, their entries, what they need."""

from lamella.analyses.objectives.compute import DEMONSTRATIONS, entries
from lamella.analyses.objectives.text import ABSENT, SECTIONS


def test_every_demonstration_is_shown_and_every_row_has_its_own() -> None:
    keys = [demonstration.key for demonstration in DEMONSTRATIONS]
    shown = {key for part in SECTIONS for row in part.rows for key in row.demonstrations}
    assert len(set(keys)) == len(keys) and set(keys) == shown
    needs = {need for demonstration in DEMONSTRATIONS for need in demonstration.needs}
    assert ABSENT.keys() <= needs
    assert all(part.title and part.text for part in SECTIONS)


def test_pictures_are_numbered_without_gaps() -> None:
    found = [number for run in entries().values() for number in run]
    assert found == list(range(sum(demonstration.pictures for demonstration in DEMONSTRATIONS)))


def test_what_shows_a_photograph_needs_it_to_be_public() -> None:
    for demonstration in DEMONSTRATIONS:
        assert demonstration.photographic == ("public" in demonstration.needs), demonstration.key
        assert demonstration.photographic or demonstration.key not in {"image", "dreamt_late"}
