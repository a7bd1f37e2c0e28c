"""Numbers as captions and sentences say them."""

from lamella.figures.format import probability, share_of


def test_probabilities_are_never_rounded_to_nothing_or_all() -> None:
    assert [probability(p) for p in (0.0, 1e-4, 0.1234, 0.9999)] == [
        "< 0.1 %",
        "< 0.1 %",
        "12.3 %",
        "> 99.9 %",
    ]
    assert [share_of(n, 1000) for n in (0, 1, 500, 999, 1000)] == [
        "0 %",
        "< 1 %",
        "50 %",
        "> 99 %",
        "100 %",
    ]
