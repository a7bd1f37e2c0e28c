"""What the store holds of tuning curves: responses of units, and pictures of the stimuli.

Flow: compute, pictures -> store -> **stored** -> unit, charts, overview, stimuli_page.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.tuning_curves.families import families
from lamella.analyses.tuning_curves.preferences import LayerTuning, preferences
from lamella.store.facts import LayerFacts

PANEL = "tuning_curves"
STIMULI = "stimuli"  # the panel of their pictures
PICTURE = "stimulus"
SLUG = "stimuli"  # of the page of the stimuli
DRIVERS = ("gratings", "curves", "hues", "discs")  # the families that may drive a unit
DRIVEN = 0.1  # of the photographs' range, from which a family drives a unit

_TUNING: WeakKeyDictionary[LayerFacts, LayerTuning] = WeakKeyDictionary()


def layer_tuning(facts: LayerFacts) -> LayerTuning:
    """The tuning of a layer's units; worked out once, however many pages ask."""
    found = _TUNING.get(facts)
    if found is None:
        stored = facts.of(PANEL).numbers
        found = _TUNING[facts] = preferences(stored, families(facts.network.size))
    return found


def driven_by_stimuli(facts: LayerFacts) -> NDArray[np.bool_]:
    """Units that some stimulus drives, by the rule of their own pages."""
    own, survey = layer_tuning(facts), facts.of("survey")
    rise = np.max([own.rise(name) for name in DRIVERS], axis=0)
    if not survey.present.any():
        return np.asarray(rise > 0)
    reach = np.where(survey.present, survey["maximum"] - survey["p50"], 0)
    driven: NDArray[np.bool_] = (rise > 0) & (rise >= DRIVEN * reach)
    return driven
