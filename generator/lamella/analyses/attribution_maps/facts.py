"""What all pages of decisions rest on, read once.

Flow: store -> **known** -> page, index. Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from lamella.analyses.attribution_maps.stored import PANEL, Had, entries, had
from lamella.analyses.classes.stored import pages as class_pages
from lamella.analyses.layer_activations.stored import pages as walk_pages
from lamella.analyses.predictions.stored import Answers, answers
from lamella.analyses.sanity_checks.stored import Report
from lamella.figures.links import SANITY_CHECKS, article_page
from lamella.store.facts import Atlas
from lamella.store.gathering import PanelFacts


@dataclass(frozen=True, eq=False)
class Known:
    """What the store knows of the decisions.

    Attributes:
        stored: the numbers of all entries.
        done: the entry of each image that is done, by the image's number, in order.
        had: the network's methods.
        classes: the page of each class that has one.
        walks: the page of each image that has one of its way through the network.
        tested: the page on whether the maps can be trusted; "" without one.
    """

    atlas: Atlas
    answers: Answers
    stored: PanelFacts
    done: dict[int, int]
    had: Had
    classes: dict[int, str]
    walks: dict[int, str]
    tested: str


def known(atlas: Atlas) -> Known | None:
    """What is known; None where there is nothing to show."""
    said, done = answers(atlas), entries(atlas)
    if said is None or not done:
        return None
    stored = atlas.whole(PANEL, max(done.values()) + 1)
    classes, walks = class_pages(atlas), walk_pages(atlas)
    tested = article_page(atlas.network.name, SANITY_CHECKS) if Report.of(atlas) else ""
    return Known(atlas, said, stored, done, had(atlas), classes, walks, tested)
