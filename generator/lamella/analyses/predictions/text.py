"""The sentences of the section on predictions.

Flow: **text** -> view.
"""

RIGHT = "Right, where the label is a class's name"
UNANSWERED = "Photographs that it has no answer to"
UNNAMED = (
    "The outputs have no names here; [model] classes in atlas.toml gives them some, and [model] "
    'output = "none" says that they are no classes.'
)
UNMATCHED = "No label is the name of a class, so it is not known how many answers are right."


def unanswered(number: int) -> str:
    """How many photographs have no answer, and why."""
    return f"{number:,}: its scores are NaN or infinite"
