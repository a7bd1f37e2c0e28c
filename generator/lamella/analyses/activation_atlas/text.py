"""What the page of an atlas says of how it was made, and of its limits.

Flow: **text** -> view. Imports no torch.
"""

from collections.abc import Mapping
from typing import Any


def method(name: str, notes: Mapping[str, Any], size: int, named: bool) -> tuple[str, ...]:
    """How it was made, in paragraphs.

    Args:
        name: of the layers.
        size: side of a picture, in pixels.
        named: whether cells have classes.
    """
    silent = f" {notes['silent']} places where it is zero were left out." * bool(notes["silent"])
    text = [
        f"From {notes['images']} photographs, {notes['vectors']} activation vectors were "
        f"taken at random places, up to {notes['each']} of each, the {notes['channels']} "
        f"channels of {name} in each.{silent} UMAP laid them out by the cosine; each axis "
        "was stretched to the square, and the strays beyond its 0.5th and 99.5th percentile "
        "moved to the margin.",
        f"A cell with {notes['fewest']} vectors or more has a picture of {size} px: "
        f"{notes['steps']} steps of gradient ascent towards the mean of its vectors, less the "
        "mean of all, with the square of the cosine as a factor. So all pictures show what "
        "sets a cell apart, not what all share. The paper whitens the vectors to the same end.",
    ]
    if named:
        text.append(
            "The class of a cell is found by overwriting the layer with the cell's mean vector "
            "at every position: the one whose score gains most over the mean of all vectors. "
            "Where what follows is linear this is the paper's linear attribution; elsewhere "
            "it takes the network to a place where no photograph has been."
        )
    text.append(
        "A mean of directions is no photograph: a cell between two groups may show something "
        "that exists nowhere, and what one place in a hundred says is lost in it. The plane "
        "tears some neighbours apart, and a picture has one of many ways to excite the layer. "
        "Read it as a map of what to look up on the units' pages."
    )
    return tuple(text)


def too_few(notes: Mapping[str, Any], side: int) -> str:
    """Why there is nothing to see; `side` is that of the coarsest grid, in cells."""
    if not notes["vectors"]:
        return "No photograph makes the layer say anything: all its values are zero everywhere."
    return (
        f"{notes['vectors']} activation vectors are too few for a grid of {side} by {side} cells "
        f"with at least {notes['fewest']} in each. More photographs, or a smaller grid in "
        "[panels.activation_atlas], give an atlas."
    )
