"""Where the pages of classes and of decisions lie. Both addresses are promises.

Flow: **addresses** -> panels' `view`.
"""

from lamella.facts import Photograph

CLASSES = "classes"  # the index of all classes
DECISIONS = "decisions"  # the index of all decisions
SANITY = "sanity"  # whether the maps can be trusted


def class_slug(output: int) -> str:
    """The page of one class, by the number of the network's output."""
    return f"class-{output}"


def decision_slug(photograph: Photograph) -> str:
    """The page of what the network saw in one image, by the digest of its content."""
    return f"decision-{photograph.id[:8]}"
