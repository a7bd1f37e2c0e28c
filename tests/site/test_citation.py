"""How an atlas and its units are cited, and what machines read of that."""

import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from helpers.fake_atlas import ABOUT, PANELS, Fake
from helpers.pages import HOSTILE, HOSTILE_ABOUT, Scan, hostile
from lamella.network.units import Unit
from lamella.site.catalogue import NetworkEntry
from lamella.site.citation import About, citation, citation_file, licences, papers
from lamella.site.pages import render

NETWORK = NetworkEntry(
    name="net_1",
    source="torchvision:resnet18",
    digest="0123456789abcdef" * 4,
    parameters=1,
    size=(8, 8),
    page="",
    classes=(),
)
FULL = replace(ABOUT, date="2026-11-21", release="1.2", site_url="https://a.example/sub/")
UNIT = Unit("conv1", 3)


def test_everything_that_is_known_is_cited() -> None:
    found = citation(FULL, NETWORK, UNIT)
    for part in (
        "title = {{An atlas of nothing: conv1:3}}",
        "author = {Ada Example and Björn Beispiel}",
        "year = {2026}",
        "version = {1.2}",
        "url = {https://a.example/sub/net_1/conv1/3.html}",
        r"note = {net\_1@0123456789ab/conv1:3: ",
        f"weights SHA-256 {NETWORK.digest}",
        "howpublished = {Made with Lamella 0.0.test}",
    ):
        assert part in found.bibtex
    assert found.text == (
        "Ada Example, Björn Beispiel (2026). An atlas of nothing: conv1:3, version 1.2. "
        "net_1@0123456789ab/conv1:3. Made with Lamella 0.0.test. "
        "https://a.example/sub/net_1/conv1/3.html"
    )


def test_nothing_is_made_up() -> None:
    found = citation(About("T", version="1"), NETWORK)
    assert found.text == "T. net_1@0123456789ab. Made with Lamella 1."
    assert not re.search(r"author|year|version =|url", found.bibtex)


@given(st.text(max_size=40), st.lists(st.text(min_size=1, max_size=20), max_size=3))
def test_braces_of_an_entry_are_balanced_whatever_the_names(title: str, names: list[str]) -> None:
    """BibTeX counts braces, those behind a backslash too; an odd one ends the field."""
    about = replace(FULL, title=title, authors=tuple(names))
    entry = citation(about, NETWORK, Unit("a{b", 0)).bibtex.replace(r"\textbackslash{}", "")
    plain = re.sub(r"\\[{}]", "", entry)
    assert plain.count("{") == plain.count("}") and plain.endswith("\n}")


def test_an_author_with_an_and_in_it_stays_one() -> None:
    about = replace(FULL, authors=("Müller and Sons", "Ferdinand Sandberg"))
    assert "author = {{Müller and Sons} and Ferdinand Sandberg}" in citation(about, NETWORK).bibtex


@pytest.mark.parametrize("licence", ["CC-BY-4.0", "ask: me"])
def test_the_citation_file_is_yaml_of_its_format(licence: str) -> None:
    about = replace(FULL, title='T: "x" #1', licence=licence)
    found = yaml.safe_load(citation_file(about, NETWORK))
    assert found["cff-version"] == "1.2.0" and found["type"] == "dataset"
    assert found["title"] == about.title and found["version"] == "1.2"
    assert found["authors"] == [{"name": "Ada Example"}, {"name": "Björn Beispiel"}]
    assert found["date-released"] == "2026-11-21"
    assert found.get("license") == (licence if licence == "CC-BY-4.0" else None)
    assert "date-released" not in yaml.safe_load(
        citation_file(replace(about, date="2026"), NETWORK)
    )


def test_licences_keep_photographs_apart() -> None:
    text = licences(ABOUT)
    assert "CC-BY-4.0" in text and "photographs" in text and ABOUT.credits in text
    assert "photographs" not in licences(replace(ABOUT, publish="none"))


class Data(HTMLParser):
    """The data blocks of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = ("type", "application/ld+json") in attrs

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = False


def meta(page: str) -> dict[str, str | None]:
    tags = [attributes for tag, attributes in Scan(page).found if tag == "meta"]
    return {str(each.get("name") or each.get("property")): each.get("content") for each in tags}


def test_a_unit_can_be_shared_and_collected_where_the_address_is_known(tmp_path: Path) -> None:
    fake = Fake(layers=(("conv1", 2), ("fc", 2)), side=32, photographs=6, done=("conv1",))
    atlas = fake.write(tmp_path / "work")
    render(FULL, atlas, PANELS, tmp_path / "site")
    page = (tmp_path / "site/tiny/conv1/1.html").read_text()
    found = meta(page)
    assert found["citation_title"] == found["og:title"] == "An atlas of nothing: conv1:1"
    assert found["citation_publication_date"] == "2026/11/21"
    assert found["citation_public_url"] == "https://a.example/sub/tiny/conv1/1.html"
    assert found["og:image"] == "https://a.example/sub/tiny/conv1/1-picture.webp"
    assert (tmp_path / "site/tiny/conv1/1-picture.webp").is_file()
    (data,) = Data(page).found
    told = json.loads(data)
    assert told["identifier"] == "tiny@0123456789ab/conv1:1" and told["image"] == found["og:image"]
    assert told["author"] == list(FULL.authors) and told["datePublished"] == "2026-11-21"
    without = meta((tmp_path / "site/tiny/fc/1.html").read_text())
    assert "og:title" in without and "og:image" not in without
    render(replace(FULL, site_url=""), atlas, PANELS, tmp_path / "site")
    assert "og:" not in (tmp_path / "site/tiny/conv1/1.html").read_text()


def test_hostile_names_do_not_leave_their_data_block(tmp_path: Path) -> None:
    about = replace(HOSTILE_ABOUT, site_url="https://a.example", date="2026", release=HOSTILE[6])
    render(about, hostile(tmp_path / "work"), PANELS, tmp_path / "site")
    for path in (tmp_path / "site").rglob("*.html"):
        text = path.read_text()
        for data in Data(text).found:
            assert json.loads(data)["author"] == list(HOSTILE_ABOUT.authors)
        for tag, attributes in Scan(text).found:
            assert tag != "script" or attributes.get("type") or attributes["src"]
            assert not any(name.startswith("on") for name in attributes)


# -- Papers, as links --------------------------------------------------------------------------


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
