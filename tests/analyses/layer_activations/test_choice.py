"""Which images have a page where nobody named any."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

import lamella.analyses.layer_activations.choice as choice
from lamella.analyses.layer_activations.choice import confident
from lamella.images.manifest import Manifest, Photograph


class Stub:
    """Images whose pixels are their numbers."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    def __len__(self) -> int:
        return len(self.manifest.photographs)

    def values(self, number: int) -> int:
        return number


def job_of(labels: str, answers: dict[int, list[float]], monkeypatch: pytest.MonkeyPatch) -> Any:
    photographs = tuple(Photograph(str(at), f"{at}.png", label) for at, label in enumerate(labels))
    monkeypatch.setattr(
        choice, "class_scores", lambda model, number: torch.tensor(answers[number]).double()
    )
    return SimpleNamespace(images=Stub(Manifest("", photographs)), model=None)


def test_it_chooses_different_answers_of_different_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    sure, unsure = 0.9, 0.4

    def of(which: int, share: float) -> list[float]:
        return [share if at == which else (1 - share) / 3 for at in range(4)]

    answers = {0: of(0, sure), 1: of(0, sure), 2: of(1, sure), 3: of(2, unsure), 4: of(3, 0.8)}
    assert confident(job_of("aabcd", answers, monkeypatch)) == [0, 2, 4]
    assert confident(job_of("aaaad", answers, monkeypatch)) == [0, 2, 4]  # one label, then answers
    same = {at: of(1, 0.5 + at / 10) for at in range(5)}
    assert confident(job_of("abcde", same, monkeypatch)) == [2, 3, 4]
    assert confident(job_of("a", same, monkeypatch)) == [0]
