"""A few executions of every reader; `make fuzz` runs as many as one likes."""

import random

import pytest

from fuzz.fuzz import fuzz, mutated

READERS = [
    "configuration",
    "weights",
    "safetensors",
    "notes",
    "shards",
    "concepts",
    "labels",
    "classes",
    "masks",
    "images",
    "headers",
]


def test_readers_take_or_refuse_what_they_are_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz(40, seed=1, only=READERS) == 0, capsys.readouterr().out
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": 40 executions")[0] for line in lines] == READERS


def test_a_mutation_is_repeatable_and_changes_something() -> None:
    good = bytes(range(256))
    found = [mutated(good, random.Random(seed)) for seed in range(50)]
    assert found == [mutated(good, random.Random(seed)) for seed in range(50)]
    assert len(set(found) - {good}) > 40
