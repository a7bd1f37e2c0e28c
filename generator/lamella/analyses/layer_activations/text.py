"""What the page of an image says beside its pictures.

Flow: **text** -> view.
"""

from lamella.figures.format import positions
from lamella.network.units import Layer

STEPS_TITLE = "Layer by layer"
HOW = (
    "Below, each layer is one picture: the activation maps of all its units, row by row. A map is "
    "as bright as the unit answers, measured by what is usual of that unit: it is brightest from "
    "the activation on that only one in a thousand exceeds, over all photographs and positions. So "
    "a bright map means “much, for this unit”, and maps of one layer can be compared although one "
    "unit's values are a hundred times another's. The strongest units are those whose peak is "
    "largest by the same measure, which is the second number below them; with few photographs, "
    "often units that answer to little else. Beside the place in the photograph where it answers "
    "stands the unit's own picture; both lead to the unit's page."
)
UNSIGNED = (
    "The darkest colour is exactly zero; whatever is above zero is lighter by one step at least. "
    "An empty cell with a stroke is a unit that no photograph of the set excites."
)
SIGNED = (
    "Where values may be negative, white is zero, red positive and blue negative; full colour then "
    "stands at least three standard deviations beyond the unit's mean."
)
NO_CLASSES = "The network's output is no list of classes that could be named here."
NOT_NAMED = (
    "The outputs as they are: the atlas knows no names of them, and whether they are classes."
)


def described(layer: Layer) -> str:
    """A layer in one sentence."""
    rows, columns = layer.kernel
    kind = f"{layer.kind} {rows} × {columns}" if "convolution" in layer.kind else layer.kind
    behind = f", then {layer.activation}" if layer.activation else ""
    units = _counted(layer.channels, "unit")
    return f"{kind[0].upper()}{kind[1:]}{behind}; {units}, {positions(layer)}."


def mapped(
    layer: Layer, columns: int, enlarged: int, reduced: int, answering: int, dead: int
) -> str:
    """What the picture of all maps shows."""
    sentences = [f"Units 0 to {layer.channels - 1}, {columns} a row."]
    if layer.channels == 1:
        sentences = ["The layer's only unit."]
    if layer.height * layer.width == 1:
        sentences.append("A cell is a unit.")
    elif reduced > 1:
        sentences.append(
            f"A pixel is the strongest of {reduced} × {reduced} positions: maps are reduced."
        )
    elif enlarged > 1:
        sentences.append(f"A position is {enlarged} × {enlarged} pixels.")
    if not layer.placed:
        sentences.append("The positions, of no known place, are folded into lines.")
    if not layer.signed:
        sentences.append(f"{answering} of {layer.channels} answer somewhere in this photograph.")
    if dead:
        sentences.append(f"{_counted(dead, 'unit')} no photograph of the set excites.")
    return " ".join(sentences)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
