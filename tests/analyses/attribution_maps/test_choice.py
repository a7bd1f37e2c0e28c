"""Which images have a page."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lamella.analyses.attribution_maps import choice
from lamella.images.manifest import Manifest, Photograph


def chosen(
    monkeypatch: pytest.MonkeyPatch, top: list[list[int]], shares: list[float], **limits: int
) -> list[int]:
    read = SimpleNamespace(
        seen=[at for at, each in enumerate(top) if each],
        top_image=np.array([[*each, -1, -1][:2] for each in top]),
        top_probability=np.array([[share, 0] for share in shares]),
    )
    monkeypatch.setattr(choice, "answers", lambda atlas: read)
    ids = ("a" * 9, "b" * 9, "c" * 9, "d" * 9, "a" * 9)
    photographs = tuple(Photograph(id, f"{at}.png", "") for at, id in enumerate(ids))
    atlas: Any = SimpleNamespace(manifest=Manifest("", photographs))
    return choice.best(atlas, **{"examples": 1, "most": 9, **limits})


def test_the_surest_come_first_and_each_image_once(monkeypatch: pytest.MonkeyPatch) -> None:
    top, shares = [[0, 1], [2], [], [0, 3], [4]], [0.5, 0.9, 0.99, 0.5, 0.4]
    assert chosen(monkeypatch, top, shares) == [2, 0]  # 4 would have the address of 0
    assert chosen(monkeypatch, top, shares, examples=2) == [2, 0, 1, 3]
    assert chosen(monkeypatch, top, shares, examples=2, most=3) == [2, 0, 1]
    assert chosen(monkeypatch, top, shares, examples=0) == []
