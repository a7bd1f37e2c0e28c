"""How good each picture is, unit by unit, from what the store holds.

Flow: store -> facts -> **quality** -> panels' `view`, `lamella report`. Imports no torch. What a
shard lacks is unknown here, never good: a share is of the units that were measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.feature_visualization.stored import BOUND, GREY
from lamella.store.facts import LayerFacts
from lamella.store.gathering import PanelFacts

SCORES = ("mis_picture", "mis_natural", "path_picture", "path_natural", "path_shuffled")

Flags = NDArray[np.bool_]
Values = NDArray[np.float64]
Whole = NDArray[np.int64]


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
        attempt: which of them the picture is from; 0 not known.
        kept_step: the step whose picture was kept; -1 not known.
        steps: steps of an ascent; 0 not known.
        scores: of the panel `explanation`, NaN where unknown. `mis_picture` and `mis_natural`:
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
    rank: Whole
    contrast: Values
    tries: Whole
    attempt: Whole
    kept_step: Whole
    steps: int
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


_KNOWN: WeakKeyDictionary[LayerFacts, Quality] = WeakKeyDictionary()


def quality_of(facts: LayerFacts) -> Quality:
    """The quality of a layer's pictures; worked out once, however many pages ask."""
    known = _KNOWN.get(facts)
    if known is None:
        known = _KNOWN[facts] = _measured(facts)
    return known


def _measured(facts: LayerFacts) -> Quality:
    made, survey, explained = (
        facts.of(panel) for panel in ("feature_visualization", "survey", "interpretability")
    )
    channels = facts.layer.channels
    failed = made.present & (_whole(made, "failed", channels, 0) > 0)
    stored = np.zeros(channels, dtype=np.bool_)
    stored[list(made.pictures.get("picture", {}))] = True
    picture = made.present & stored & ~failed
    activation = np.where(picture, _values(made, "activation", channels), np.nan)
    maximum = _values(survey, "maximum", channels)
    # A quantile is read off the middle of its bin, which may lie beyond the maximum.
    p999 = np.minimum(_values(survey, "p999", channels), maximum)
    surveyed = np.isfinite(maximum)
    bound = np.minimum(maximum, facts.layer.ceiling)
    curve = made.numbers.get("curve")
    return Quality(
        layer=facts.layer.name,
        picture=picture,
        failed=failed,
        dead=picture & (_whole(made, "dead", channels, 0) > 0),
        silent=surveyed & (maximum <= 0) & (not facts.layer.signed),
        surveyed=surveyed,
        activation=activation,
        over_maximum=_ratio(activation, maximum),
        over_p999=_ratio(activation, p999),
        beats_maximum=activation > maximum,
        beats_p999=activation > p999,
        bounded=(activation <= maximum) & (activation >= bound * (1 - BOUND)) & (maximum > 0),
        rank=_whole(made, "rank", channels, 0),
        contrast=np.where(picture, _values(made, "contrast", channels), np.nan),
        tries=_whole(made, "tries", channels, 0),
        attempt=_whole(made, "attempt", channels, 0),
        kept_step=_whole(made, "kept_step", channels, -1),
        steps=curve.shape[1] if curve is not None and curve.ndim == 2 else 0,
        scores={
            name: _values(explained, name, channels) for name in SCORES if name in explained.numbers
        },
    )


def _values(facts: PanelFacts, name: str, rows: int) -> Values:
    """Stored numbers, NaN where there are none; of several per unit, the mean of those known."""
    stored: NDArray[Any] | None = facts.numbers.get(name)
    if stored is None:
        return np.full(rows, np.nan)
    wide = np.asarray(stored, dtype=np.float64).reshape(rows, -1)
    known = np.isfinite(wide) & facts.present[:, None]
    number = known.sum(axis=1)
    total = np.where(known, wide, 0).sum(axis=1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _whole(facts: PanelFacts, name: str, rows: int, otherwise: int) -> Whole:
    stored: NDArray[Any] | None = facts.numbers.get(name)
    if stored is None:
        return np.full(rows, otherwise, dtype=np.int64)
    return np.where(facts.present, stored, otherwise).astype(np.int64)


def _ratio(activation: Values, over: Values) -> Values:
    usable = over > 0
    return np.where(usable, activation / np.where(usable, over, 1.0), np.nan)
