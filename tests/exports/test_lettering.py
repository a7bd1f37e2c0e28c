"""Lines of a figure that fit."""

from hypothesis import given
from hypothesis import strategies as st

from lamella.exports.lettering import fitting, wide, wrapped

LETTERS = st.text(alphabet=st.characters(max_codepoint=382, exclude_categories=("C",)), max_size=60)


@given(LETTERS, st.floats(8, 60))
def test_every_line_fits_and_nothing_is_lost(text: str, width: float) -> None:
    lines = wrapped(text, 6, width)
    assert all(wide(line, 6) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(LETTERS, st.floats(8, 60))
def test_a_name_that_is_cut_keeps_both_ends(text: str, width: float) -> None:
    cut = fitting(text, 6, width)
    assert wide(cut, 6) <= width or len(cut) <= 3
    assert cut == text or (cut[0] == text[0] and cut[-1] == text[-1] and "…" in cut)
