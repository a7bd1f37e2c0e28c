"""Papers that pages name, as links."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamella.site.citation import papers


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("(Selvaraju et al. 2017, {}).", "arXiv:1610.02391", "arxiv.org/abs/1610.02391"),
        ("Olah, {}.", "doi:10.23915/distill.00007", "doi.org/10.23915/distill.00007"),
        ("(see {})", "doi:10.1016/0377-0427(87)90-7", "doi.org/10.1016/0377-0427(87)90-7"),
        ("{}, and", "doi:10.1109/TPAMI.2009.154", "doi.org/10.1109/TPAMI.2009.154"),
        ("of {}; {}", "arXiv:1610.02391", "arxiv.org/abs/1610.02391"),
    ],
)
def test_an_identifier_is_a_link_and_what_ends_a_sentence_is_not(
    text: str, name: str, address: str
) -> None:
    link = f'<a href="https://{address}">{name}</a>'
    assert papers(text.replace("{}", name)) == text.replace("{}", link)


PIECES = ["doi:10.1234/ab", "arXiv:1610.02391", "doi:", "arXiv:16", '"><b>', "&amp;", "(", ")."]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=6).map("".join))
def test_nothing_else_of_a_text_changes_and_nothing_else_is_markup(text: str) -> None:
    drawn = str(papers(text)) if hasattr(papers(text), "__html__") else html.escape(text)
    links = re.findall(r'<a href="(https://(?:doi\.org|arxiv\.org/abs)/[\w.()/:-]+)">', drawn)
    bare = re.sub(r'<a href="https://[\w.()/:-]+">|</a>', "", drawn)
    assert "<" not in bare and '"' not in bare
    assert html.unescape(bare) == text
    assert 2 * len(links) == drawn.count("<")


def test_text_without_papers_is_left_to_the_template() -> None:
    text = "1 < 2"
    assert papers(text) is text
