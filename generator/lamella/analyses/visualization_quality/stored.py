"""How good each picture is, unit by unit, from what the store holds.

Flow: what feature_visualization, interpretability and the survey stored -> **stored** -> gates,
view, `lamella report`. Imports no torch. What a shard lacks is unknown here, never good: a share is
of the units that were measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lamella.analyses.feature_visualization.stored import (
    BOUND,
    GREY,
    Flags,
    Integers,
    Values,
    visualizations,
)
from lamella.analyses.interpretability.stored import unit_means
from lamella.store.facts import LayerFacts, once

SCORES = ("mis_picture", "mis_natural", "path_picture", "path_natural", "path_shuffled")


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured of the pictures of one layer, an entry per channel.

    Activations are in the layer's observed values, after its activation function; a picture's is
    the peak over positions of the unit's own map on the clean picture, without transformations.

    Attributes:
        layer: its name.
        picture: whether there is one.
        failed: the ascent failed, and there is none.
        dead: nothing in an image changes the unit: the ascent found no gradient to follow.
        silent: no photograph excites it, in a layer that is never negative.
        surveyed: whether the photographs' activations are known.
        activation: the picture's; NaN without a picture.
        over_maximum, over_p999: strength: that activation over the largest of the photographs, and
            over the one that one in a thousand exceeds, counted over all photographs and positions.
            NaN where these are not positive: a quotient of signed values would say nothing.
        beats_maximum: the picture excites the unit more than any photograph, and is then out of
            distribution: no photograph shows what the unit does there.
        bounded: it does not, but it reaches what nothing exceeds: the ceiling of the activation
            function (6 of a ReLU6), or, to five digits, the photographs' own maximum, as a unit
            does that its inputs only hold back: its largest value is its bias.
        beats_p999: more than all but one in a thousand activations.
        rank: selectivity, the unit's place in its layer when all channels are ordered by their
            spatial mean on this picture, each as a z-score over the photographs' spatial means; 1
            is first, 0 not known.
        contrast: standard deviation of the picture's sRGB values, each in [0, 1]; NaN: not known.
        tries: ascents, 1 for a unit that was never started again; 0 not known.
        scores: of `interpretability`, NaN where unknown. `mis_picture` and `mis_natural`:
            machine interpretability score, 0 to 1, of the picture and of the strongest photographs:
            how well they tell an image that excites the unit strongly from one that hardly does,
            0.5 by chance (Zimmermann, Klindt and Brendel 2024). `path_picture`, `path_natural` and
            `path_shuffled`: correlation of what the layers up to this one make of two images, their
            mean: of the picture and the unit's photographs, of these among each other, of these and
            photographs of other units (Geirhos et al. 2023).
    """

    layer: str
    picture: Flags
    failed: Flags
    dead: Flags
    silent: Flags
    surveyed: Flags
    activation: Values
    over_maximum: Values
    over_p999: Values
    beats_maximum: Flags
    beats_p999: Flags
    bounded: Flags
    rank: Integers
    contrast: Values
    tries: Integers
    scores: Mapping[str, Values]

    @property
    def live(self) -> Flags:
        """Units that an image can change, and that have a picture."""
        return self.picture & ~self.dead

    @property
    def first(self) -> Flags:
        """The picture excites its unit more than any other channel of the layer."""
        leading: Flags = self.rank == 1
        return self.picture & leading

    @property
    def grey(self) -> Flags:
        """The picture shows nothing: its contrast is below `GREY`."""
        flat: Flags = self.contrast < GREY
        return self.picture & flat

    @property
    def restarted(self) -> Flags:
        """A first ascent came to nothing; the picture is of a second one."""
        again: Flags = self.tries > 1
        return self.picture & again


@once
def quality_of(facts: LayerFacts) -> Quality:
    """The quality of a layer's pictures; worked out once, however many pages ask."""
    made = visualizations(facts)
    maximum = _survey(facts, "maximum")
    # A quantile is read off the middle of its bin, which may lie beyond the maximum.
    p999 = np.minimum(_survey(facts, "p999"), maximum)
    surveyed = np.isfinite(maximum)
    bound = np.minimum(maximum, facts.layer.ceiling)
    at_bound = (made.activation >= bound * (1 - BOUND)) & (maximum > 0)
    return Quality(
        layer=facts.layer.name,
        picture=made.picture,
        failed=made.failed,
        dead=made.dead,
        silent=surveyed & (maximum <= 0) & (not facts.layer.signed),
        surveyed=surveyed,
        activation=made.activation,
        over_maximum=_ratio(made.activation, maximum),
        over_p999=_ratio(made.activation, p999),
        beats_maximum=made.activation > maximum,
        beats_p999=made.activation > p999,
        bounded=(made.activation <= maximum) & at_bound,
        rank=made.rank,
        contrast=made.contrast,
        tries=made.tries,
        scores=unit_means(facts, SCORES),
    )


def _survey(facts: LayerFacts, name: str) -> Values:
    """What the survey says of each channel of a layer; NaN where it does not know."""
    survey = facts.of("survey")
    stored = survey.numbers.get(name, np.nan)
    return np.where(survey.present & np.isfinite(stored), stored, np.nan).astype(np.float64)


def _ratio(activation: Values, over: Values) -> Values:
    usable = over > 0
    return np.where(usable, activation / np.where(usable, over, 1.0), np.nan)
