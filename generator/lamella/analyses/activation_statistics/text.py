"""What the page says of a network's activations: constant words, and those that its numbers choose.

Flow: stored + claims -> **text** -> view.
"""

import math

from lamella.analyses.activation_statistics.charts import Layers, percent
from lamella.analyses.activation_statistics.claims import CLEAR, HOLDS, LEAST, UNKNOWN, readings
from lamella.analyses.activation_statistics.stored import DRAWN
from lamella.figures import Table

LEAD = (
    "How the activations change from the first layer to the last: how large they are, how many are "
    "zero, how many units ever answer, and how many directions they fill. And whether what is "
    "usually said of this holds here."
)
SIGNED = "The values of this layer may be negative: being zero or above zero says nothing of them."
ZEROS = (
    "The share of a layer's activations that are exactly zero, over all photographs, positions and "
    "units. A layer whose values may be negative has hardly any: it is left out, a gap in the "
    "line. A layer that feeds a pooling is measured in front of it.",
)
SIZES = (
    "How large activations are, on a log scale. Read it with care: in a network of ReLUs one layer "
    "can be scaled up and the next one down without any change to what the network computes, so "
    "size tells as much of the training as of the photographs.",
)
ANSWERS = (
    "A unit answers to a photograph when it is above zero at one position at least; a larger map "
    "has more positions to do so. A unit that no photograph of the set brings above zero may still "
    "answer to others.",
)
DIMENSION = (
    "The values of all units at one position of one photograph are a point in a space of as many "
    "dimensions as the layer has units. How many of these the points really spread over is the "
    "participation ratio of the eigenvalues l of their covariance, (sum of l)² / (sum of l²): 1 "
    "if they lie on a line, the number of units if they spread alike in all directions (Gao and "
    "Ganguli 2015, doi:10.1016/j.conb.2015.04.003; for the layers of networks Recanatesi et al. "
    "2019, arXiv:1906.00443). A few strong directions make it small, however many weak ones there "
    "are; the number of principal components that hold 90 % of the variance counts more of these.",
)


def findings(layers: Layers) -> tuple[str, ...]:
    """What the numbers say of the claim, in words."""
    words = readings(layers)
    short = "; ".join(f"{claim[0].lower()}{claim[1:]}: {word}" for claim, word, _ in words)
    signed = sum(one.signed for one in layers)
    left = f", without the {signed} whose values may be negative" if signed else ""
    held = sum(word == HOLDS for _, word, _ in words)
    known = sum(word != UNKNOWN for _, word, _ in words)
    if not known:
        sentence = (
            f"For this network that cannot be told: it takes {LEAST} layers whose values are never "
            f"negative, and it has {len(layers) - signed}."
        )
    else:
        verb = "is" if held == 1 else "are"
        number = held if held else "none"
        sentence = (
            f"In this network {number} of the {known} parts {verb} clearly supported: {short}."
        )
    return (
        "Of convolutional networks it is often said that early activations are larger but fewer, "
        "and deeper ones sparser. " + sentence,
        "Each part is read in two ways, since it does not say what is counted. The numbers are "
        "Spearman's rank correlations with depth over "
        f"{len(layers) - signed} layers{left}: 1 for what rises from each layer to the next, −1 "
        "for what falls. Since blocks squeeze and expand, which hides what happens from block to "
        "block, the same is asked of the layers of one role, that is of those whose names end "
        f"alike. From {CLEAR} on, in the direction of the claim, a reading is called supported, "
        "and mixed where the two do not agree. The layers of one network are no independent "
        "sample: no level of significance is given.",
    )


def tables(layers: Layers) -> tuple[Table, ...]:
    """A table for each part of the claim."""
    head = ("read as", "should", "all layers", "layers of one role", "")
    return tuple(
        Table(
            f"{claim}: {word}",
            tuple(
                (
                    one.measure.what,
                    "rise" if one.measure.rises else "fall",
                    _signed(one.correlation),
                    _signed(one.within),
                    one.verdict,
                )
                for one in each
            ),
            head,
        )
        for claim, word, each in readings(layers)
    )


def _signed(correlation: float) -> str:
    return "-" if math.isnan(correlation) else f"{correlation:+.2f}".replace("-", "−")


def rests_on(layers: Layers) -> str:
    """How many vectors the dimensions were measured on, and what that does to them."""
    known = [one for one in layers if math.isfinite(one.bias)]
    if not known:
        return ""
    least, most = (pick(one.vectors for one in known) for pick in (min, max))
    number = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    low, high = (pick(one.bias for one in known) for pick in (min, max))
    few = sum(one.vectors <= one.units for one in known)
    sentence = (
        f"Here it rests on {number} vectors a layer, {DRAWN} random positions of each photograph. "
        "So few make every number too low, most where the dimension is high: if the vectors were "
        f"independent, a participation ratio by about {percent(low)} to {percent(high)} of "
        f"itself; those of one photograph are alike, so by up to {DRAWN} times as much."
    )
    if few:
        sentence += (
            f" In {few} {'layer' if few == 1 else 'layers'} there are no more vectors than units: "
            "the number of components is bounded by the vectors there."
        )
    return sentence
