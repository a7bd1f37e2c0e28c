"""What each unit looks for: an image that excites it, found by gradient ascent.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PIL import Image
from pydantic import Field

from lamella.facts import THUMBNAIL, LayerFacts
from lamella.figures import Figure, Gallery, Picture, Tile
from lamella.panels.base import Panel, Settings
from lamella.store import Shard, Sheet
from lamella.units import Layer, Unit

if TYPE_CHECKING:
    from lamella.job import Job


class FeatureVisualization(Panel):
    """placeholder until the engine is there"""

    name: ClassVar[str] = "feature_visualization"
    title: ClassVar[str] = "Feature visualization"
    per: ClassVar[str] = "view"
