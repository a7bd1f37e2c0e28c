"""What is read of stored pictures: what was not stored is unknown, and never good."""

from typing import Any

import numpy as np

from helpers.layer_facts import made_by_hand
from lamella.analyses.feature_visualization.stored import (
    NUMBERS,
    PANEL,
    PICTURE,
    numbers_of,
    visualizations,
)
from lamella.store.facts import LayerFacts
from lamella.store.gathering import PanelFacts

UNITS = 4


def facts_with(numbers: dict[str, Any], pictures: tuple[int, ...] = (0, 1)) -> LayerFacts:
    """A layer of four units, of which the last was not computed."""
    facts = made_by_hand({}, {"maximum": np.zeros(UNITS, np.float32)})
    present = np.arange(UNITS) < UNITS - 1
    shown = {PICTURE: dict.fromkeys(pictures, b"x")}
    facts._read[PANEL] = PanelFacts(present, numbers, shown, {}, {"failed": "Not finite."})
    return facts


def test_numbers_have_one_kind_each() -> None:
    columns = {name: [at] * UNITS for at, name in enumerate(NUMBERS)}
    numbers = numbers_of(columns, np.zeros((UNITS, 8), np.float32))
    assert {name: numbers[name].dtype for name in NUMBERS} == NUMBERS
    assert list(numbers) == [*NUMBERS, "curve"]


def test_what_was_stored() -> None:
    columns = {name: [2] * UNITS for name in NUMBERS} | {
        "failed": [0, 0, 1, 0],
        "dead": [0, 1, 1, 1],
        "activation": [3.0, np.inf, 5.0, 7.0],
    }
    own = visualizations(facts_with(numbers_of(columns, np.ones((UNITS, 8), np.float32))))
    assert own.picture.tolist() == [True, True, False, False]
    assert own.failed.tolist() == [False, False, True, False] and own.problem == "Not finite."
    assert own.dead.tolist() == [False, True, False, False]
    np.testing.assert_array_equal(own.activation, [3, np.nan, np.nan, np.nan])
    assert own.rank.tolist() == own.tries.tolist() == own.attempt.tolist() == [2, 2, 2, 0]
    assert own.kept_step.tolist() == [2, 2, 2, -1] and own.curve.shape == (UNITS, 8)


def test_what_earlier_versions_did_not_store() -> None:
    own = visualizations(facts_with({}))
    assert own.picture.tolist() == [True, True, False, False]
    assert not own.failed.any() and not own.dead.any()
    assert np.isnan(own.activation).all() and np.isnan(own.contrast).all()
    assert not own.rank.any() and not own.tries.any() and not own.attempt.any()
    assert own.kept_step.tolist() == [-1] * UNITS and own.curve.shape == (UNITS, 0)


def test_a_layer_is_read_once() -> None:
    facts = facts_with({})
    assert visualizations(facts) is visualizations(facts)
