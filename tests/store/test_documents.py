"""Documents carry their checksum: whatever is changed in them is noticed."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamella.errors import Damaged
from lamella.store.documents import FORMAT, opened, sealed
from lamella.store.store import Store

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
PATH = Path("work/a.json")


@given(PLAIN)
def test_what_is_sealed_is_opened(value: object) -> None:
    content = sealed("a.json", value)
    assert opened("a.json", content, PATH) == value
    assert json.loads(content)["holds"] == value, "it is JSON for everybody"


@given(PLAIN, st.integers(min_value=0))
def test_any_flipped_bit_is_noticed(value: object, bit: int) -> None:
    content = bytearray(sealed("a.json", value))
    bit %= 8 * len(content)
    content[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Damaged, match="is damaged"):
        opened("a.json", bytes(content), PATH)


@given(st.binary())
def test_anything_else_is_damaged(content: bytes) -> None:
    with pytest.raises(Damaged, match="is damaged"):
        opened("a.json", content, PATH)


def test_a_document_under_the_name_of_another_is_noticed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_json("a.json", 1)
    (tmp_path / "a.json").rename(tmp_path / "b.json")
    assert store.read_json("a.json") is None
    with pytest.raises(Damaged, match="its checksum does not fit"):
        store.read_json("b.json")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (sealed("a.json", 1).replace(b"%d" % FORMAT, b"7", 1), "it is of format 7, and this"),
        (b'{"lamella": "0.1.0", "keys": {}}', "it is of an earlier format, and this lamella"),
    ],
)
def test_another_format_is_refused_by_name(content: bytes, named: str) -> None:
    with pytest.raises(Damaged, match=named):
        opened("a.json", content, PATH)
