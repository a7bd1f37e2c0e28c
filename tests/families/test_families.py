"""Ten of the networks that `make matrix-networks` goes through: read, checked, built."""

import pytest

from families.families import REFUSED, Verdict, judged, table

TEN = (
    *("timm:test_vit", "timm:test_mambaout", "torchvision:squeezenet1_1"),
    *("own:windows", "own:encoder, sequence first", "own:feature pyramid", "own:pixel shuffle"),
    *("own:branched", "own:GRU", "own:two inputs"),
)


@pytest.mark.filterwarnings("ignore")  # of timm's and of torch's own making
@pytest.mark.parametrize("source", TEN)
def test_a_family_works_or_says_why_not(source: str) -> None:
    found = judged(source)
    name = source.partition(":")[2]
    assert found.verdict.startswith("refused" if name in REFUSED else "works"), found.verdict
    assert found.layers > 2 or name in REFUSED


def test_the_table_counts_what_fails() -> None:
    verdicts = [Verdict("own:a", 3, 5, "works", 1.2), Verdict("own:b", verdict="fails: a | b")]
    text = table(verdicts)
    assert "1 of 2 networks work" in text and "| own:b |  |  | fails: a / b | 0 |" in text
