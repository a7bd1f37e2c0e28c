"""Pictures to zoom into, as the page carries them to the script."""

import html
import json
import re

import pytest

from lamella.figures import Level, Picture, Spot, Zoom
from lamella.site.templating import environment
from lamella.site.zoom_data import LISTED

LEVELS = (Level(3, 2, 0), Level(6, 4, 1))


def page(*spots: Spot, folder: str = "n/images/", name: str = "map", title: str = "T") -> str:
    still = Picture("n/images/0-still.webp", "a still", 3, 2)
    figure = Zoom(title, title, still, LEVELS, 4, folder, name, spots, "note")
    macros = environment().get_template("figures/zoom.html.j2").module
    return str(macros.zoom(figure, "../"))  # type: ignore[attr-defined]


def data(drawn: str) -> dict[str, object]:
    found = re.search(r"data-zoom='([^']*)'", drawn)
    assert found
    told: dict[str, object] = json.loads(html.unescape(found[1]))
    return told


def test_the_script_is_told_everything() -> None:
    drawn = page(Spot(1, 2, 3, 4, "cat", "n/l/3.html"), Spot(0, 0, 1, 1, "dog"))
    assert data(drawn) == {
        "tile": 4,
        "levels": [[3, 2, 0], [6, 4, 1]],
        "folder": "../n/images/",
        "name": "map",
        "spots": [[1, 2, 3, 4, "cat", "../n/l/3.html"], [0, 0, 1, 1, "dog", ""]],
    }
    assert '<img src="../n/images/0-still.webp" alt="a still"' in drawn
    assert '<li><a href="../n/l/3.html"><bdi>cat</bdi></a></li>' in drawn
    assert "<bdi>dog</bdi>" not in drawn  # it leads nowhere


def test_hostile_names_stay_text() -> None:
    bad = "'\"><script>alert(1)</script>&#39;\u202e\x00"
    drawn = page(
        Spot(0, 0, 1, 1, bad, "javascript:alert(1)"), Spot(0, 0, 1, 1, bad, "n/1.html"), title=bad
    )
    assert "<script" not in drawn and "javascript:" not in drawn
    spots = data(drawn)["spots"]
    assert isinstance(spots, list) and [spot[5] for spot in spots] == ["", "../n/1.html"]
    label = spots[0][4]
    assert label == "'\"><script>alert(1)</script>&#39;\\u202e\\u0000"


@pytest.mark.parametrize(
    ("folder", "name"),
    [("//host/", "map"), ("n/../../", "map"), ("n/", "x?y"), ("javascript:", "")],
)
def test_tiles_come_from_the_site_only(folder: str, name: str) -> None:
    told = data(page(folder=folder, name=name))
    assert told["levels"] == [] and told["folder"] == told["name"] == ""


def test_only_so_many_are_listed() -> None:
    spots = tuple(Spot(0, 0, 1, 1, f"s{at}", "n/1.html") for at in range(LISTED + 1234))
    drawn = page(*spots)
    assert drawn.count("<li><a") == LISTED and "and 1,234 more" in drawn
    assert "<details" not in page(Spot(0, 0, 1, 1, "nowhere"))


def test_a_spot_may_belong_to_a_level() -> None:
    spots = data(page(Spot(0, 0, 2, 2, "coarse", level=0), Spot(0, 0, 1, 1, "any")))["spots"]
    assert spots == [[0, 0, 2, 2, "coarse", "", 0], [0, 0, 1, 1, "any", ""]]
