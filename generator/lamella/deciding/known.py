"""What all pages of decisions rest on, read once.

Flow: store -> **known** -> page, index. Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lamella.attributing.addresses import SANITY
from lamella.deciding.reading import PANEL, Had, entries, had
from lamella.facts import Atlas
from lamella.gathering import PanelFacts
from lamella.judging.reading import pages as class_pages
from lamella.links import article_page
from lamella.predicting.answers import Answers, answers
from lamella.trusting.report import Report
from lamella.walking.page import ID
from lamella.walking.page import PANEL as WALK


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
    classes, walks = class_pages(atlas), _walks(atlas)
    tested = article_page(atlas.network.name, SANITY) if Report.of(atlas) else ""
    return Known(atlas, said, stored, done, had(atlas), classes, walks, tested)


def _walks(atlas: Atlas) -> dict[int, str]:
    if WALK not in atlas.keys:
        return {}
    shards = atlas.store.folder(WALK, atlas.keys[WALK]).shards()
    images = {int(image) for _, tensors in shards for image in np.unique(tensors["image"])}
    photographs = atlas.manifest.photographs
    return {
        image: article_page(atlas.network.name, f"walk-{photographs[image].id[:ID].lower()}")
        for image in sorted(images)
    }
