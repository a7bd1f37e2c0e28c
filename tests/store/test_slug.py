"""Addresses: hostile names become one plain path component each, and never the same one."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lamella.figures import links
from lamella.network.units import Unit
from lamella.store.slug import slug

NAMES = st.text(max_size=120) | st.text(alphabet="aAbB019._-/@ ", max_size=12)


@given(NAMES)
@example("")
@example("..")
@example("../../etc/passwd")
@example("C:\\con")
@example("<script>")
@example("a\0b")
@example("layer3.0.conv1 ")
@example("x" * 300)
def test_a_slug_is_one_plain_path_component(name: str) -> None:
    found = slug(name)
    assert re.fullmatch(r"[a-z0-9@][a-z0-9._@-]{0,99}", found)
    assert not found.endswith(".") and found not in {"assets", "images"}


@given(NAMES, NAMES)
@example("Mixed_4c", "mixed_4c")
@example("a/b", "a-b")
@example("a.", "a")
@example("é", "è")
@example("x" * 81, "x" * 82)
def test_distinct_names_get_distinct_slugs(one: str, other: str) -> None:
    assert (slug(one) == slug(other)) == (one == other)


@given(NAMES)
@example("A")
def test_no_name_can_take_the_slug_of_another(name: str) -> None:
    assert slug(name) == name or slug(slug(name)) != slug(name)


@pytest.mark.parametrize(
    "name",
    ["conv1", "layer3.0.conv1", "features.12.expand3x3", "a_b", "conv@nmf32", "0", "fc.call2"],
)
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert slug(name) == name


@pytest.mark.parametrize(
    "name",
    ["con", "NUL", "com1", "lpt9.conv", "aux.0", "assets", "images", "index.html", "map.html"],
)
def test_reserved_names_are_changed(name: str) -> None:
    assert slug(name) != name.lower() and slug(name).startswith("x-")


@pytest.mark.parametrize("name", ["sitemap.xml", "search.js", "map-data.js"])
def test_files_that_an_atlas_has_of_its_own_are_reserved(name: str) -> None:
    assert slug(name) != name


@given(NAMES, NAMES, st.integers(0, 10**6))
def test_pages_of_a_unit(network: str, layer: str, channel: int) -> None:
    unit = Unit(layer, channel)
    page, picture = links.unit_page(network, unit), links.unit_picture(network, unit, "patches")
    assert page == f"{slug(network)}/{slug(layer)}/{channel}.html"
    assert picture == f"{slug(network)}/{slug(layer)}/{channel}-patches.webp"
    pages = {page, links.network_page(network), links.map_page(network)}
    pages |= {links.layer_page(network, layer), links.photograph(network, channel)}
    assert len(pages) == 5


def test_a_unit_is_cited_with_its_weights() -> None:
    unit = Unit("layer3.0.conv1", 447)
    assert links.identifier("resnet", "0123456789abcdef", unit) == (
        "resnet@0123456789ab/layer3.0.conv1:447"
    )


@given(NAMES, NAMES)
@example("index", "map")
@example("index", "x-index-abcdef")
def test_articles_stand_beside_the_pages_of_their_network(one: str, other: str) -> None:
    pages = [links.article_page("net", name) for name in (one, other)]
    assert (pages[0] == pages[1]) == (one == other)
    for page in pages:
        assert re.fullmatch(r"net/[a-z0-9@][a-z0-9._@-]*\.html", page)
        assert page not in {links.network_page("net"), links.map_page("net")}
    assert links.article_page("net", "classes") == "net/classes.html"


@given(NAMES, st.lists(NAMES, max_size=4))
@example("depth", ["depth"])
def test_pictures_of_a_panel_and_of_a_layer_do_not_mix(panel: str, layers: list[str]) -> None:
    taken = {slug(layer) for layer in layers}
    folder = links.panel_folder(panel, taken)
    assert folder not in taken and (folder == slug(panel)) == (slug(panel) not in taken)
    assert links.panel_picture("net", folder, 3, "atlas") == f"net/{folder}/3-atlas.webp"


def test_half_a_character_is_told_apart_like_any_other() -> None:
    assert slug("a\ud800") != slug("a\ud801") and slug("\ud800").isascii()
