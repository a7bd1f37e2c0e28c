"""What is stored of a network's head."""

from lamella.analyses.classes.stored import HeadRecord
from lamella.network.units import Unit


def test_the_head_is_read_as_it_was_written() -> None:
    head = HeadRecord(
        "fc",
        "",
        "maps",
        "no",
        True,
        ((Unit("a", 1), Unit("b", 2)), ()),
        (((3, 0.5),), ()),
        ((), ()),
    )
    assert HeadRecord.of(head.plain()) == head
    assert head.inputs == {Unit("a", 1): (0,), Unit("b", 2): (0,)}
