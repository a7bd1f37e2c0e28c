"""The site in a real browser, from file://, as a reader opens it."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from helpers.fake_atlas import PANELS
from helpers.opened import ASSETS, Opened
from helpers.pages import atlas_of
from lamella.site.pages import render

pytestmark = pytest.mark.browser
Open = Callable[..., Opened]

KINDS = {
    "home": "index.html",
    "network": "tiny/index.html",
    "layer": "tiny/features.10/index.html",
    "unit": "tiny/features.10/47.html",
    "pending": "tiny/classifier/3.html",
    "map": "tiny/map.html",
    "article": "tiny/depth.html",
    "maps": "tiny/maps.html",
    "about": "about.html",
}
AXE = ASSETS / "node_modules/axe-core/axe.min.js"


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_kind_of_page(
    chromium: Browser, opened: Open, site: Path, width: int, scheme: str
) -> None:
    one = opened(chromium, viewport={"width": width, "height": 700}, color_scheme=scheme)
    for kind, address in KINDS.items():
        page = one.go(site / address)
        assert overflow(page) <= 0, kind
        expect(page.locator("h1")).to_be_visible()
        broken = page.evaluate(
            """async () => {
              const seen = [...document.images].filter((image) => image.loading !== "lazy");
              await Promise.allSettled(seen.map((image) => image.decode()));
              return seen.filter((image) => !image.naturalWidth).map((image) => image.src);
            }"""
        )
        assert not broken, kind


def test_without_scripts_everything_can_be_read(
    chromium: Browser, opened: Open, site: Path
) -> None:
    one = opened(chromium, java_script_enabled=False)
    page = one.go(site / "tiny/map.html")
    expect(page.locator("noscript svg, .stage svg").first).to_be_visible()
    page.get_by_role("link", name="features.10", exact=True).click()
    page.locator(".grid a").nth(47).click()
    expect(page.locator("h1")).to_contain_text("features.10")
    expect(page.locator("#feature_visualization img")).to_be_visible()
    page.get_by_role("link", name="Find a unit").click()
    expect(page.locator("h1")).to_have_text("tiny")


def test_units_are_turned_with_the_arrow_keys(chromium: Browser, opened: Open, site: Path) -> None:
    page = opened(chromium).go(site / "tiny/features.10/1.html")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/2.html")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/1.html")


def test_search_finds_units_layers_and_labels(chromium: Browser, opened: Open, site: Path) -> None:
    page = opened(chromium).go(site / "tiny/conv1/3.html")
    page.keyboard.press("/")
    box = page.get_by_role("combobox")
    expect(box).to_be_focused()
    box.fill("features.10:47")
    expect(page.get_by_role("option").first).to_contain_text("features.10:47")
    box.press("Enter")
    page.wait_for_url("**/tiny/features.10/47.html")
    box = page.locator(".search input")
    box.fill("mixed")
    expect(page.get_by_role("option").first).to_contain_text("mixed.Up_1")
    box.fill("cat")
    expect(page.get_by_role("option").filter(has_text="cat").first).to_be_visible()
    box.fill("zebra crossing")
    expect(page.get_by_role("option")).to_have_text("Nothing found")
    box.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()


def test_a_whole_photograph_opens_in_a_dialog(chromium: Browser, opened: Open, site: Path) -> None:
    page = opened(chromium).go(site / "tiny/features.10/47.html")
    link = page.locator("a[data-whole]").first
    link.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("img")).to_be_visible()
    expect(dialog.locator("rect")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()


def test_citations_are_copied(chromium: Browser, opened: Open, site: Path) -> None:
    page = opened(chromium).go(site / "tiny/features.10/47.html")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the identifier").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "tiny@0123456789ab/features.10:47"


def inked(page: Page) -> int:
    """How many of the map's pixels are drawn on, from a screenshot of its canvas."""
    import io

    import numpy as np
    from PIL import Image

    shot = page.locator(".stage").screenshot(animations="disabled")
    pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)
    return int((np.abs(pixels - pixels[2, 2]).sum(axis=2) > 40).sum())


@pytest.mark.parametrize("kind", ["chromium", "flat"])
def test_the_map(request: pytest.FixtureRequest, opened: Open, site: Path, kind: str) -> None:
    one = opened(
        request.getfixturevalue(kind),
        viewport={"width": 1000, "height": 800},
        reduced_motion="reduce",
    )
    page = one.go(site / "tiny/map.html")
    everything = inked(page)
    assert everything > 500
    page.get_by_label("t-SNE").check()
    page.get_by_role("button", name="None").click()
    assert inked(page) == 0
    page.get_by_label("Show features.10").check()
    assert 0 < inked(page) < everything
    canvas = page.get_by_role("application")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".card")).to_contain_text("features.10:")
    name = page.locator(".card").inner_text().strip()
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.wait_for_timeout(200)
    assert inked(page) > 500
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/features.10/{name.split(':')[1]}.html")


def test_a_unit_is_found_on_the_map_and_opened(chromium: Browser, opened: Open, site: Path) -> None:
    one = opened(chromium, viewport={"width": 1000, "height": 800})
    page = one.go(site / "tiny/features.10/47.html")
    page.locator(".actions").get_by_role("link", name="Map").click()
    card = page.locator(".card")
    expect(card).to_have_text("features.10:47")
    box = page.locator("canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(card).to_have_text("features.10:47")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**/features.10/47.html")


def test_hostile_names_do_nothing(chromium: Browser, opened: Open, bad_site: Path) -> None:
    one = opened(chromium, viewport={"width": 320, "height": 700})
    pages = sorted(bad_site.rglob("*.html"))
    for path in pages:
        page = one.go(path)
        assert overflow(page) <= 0, path
    one.go(bad_site / "index.html")
    box = page.locator(".search input")
    box.fill("script")
    expect(page.get_by_role("option").first).to_contain_text("<script>")
    assert overflow(page) <= 0


PIECES = [
    *(
        "<script>window.ran=1</script>",
        "<img src=x onerror=window.ran=1>",
        "javascript:window.ran=1",
    ),
    *('" onmouseover="window.ran=1', "'><svg onload=window.ran=1>", "</script>", "-->", "\\u003c"),
    *("{{7*7}}", "https://evil.example/x.js", "//evil.example/", "url(//evil.example/)", "&#x3c;"),
    *(
        "\x00\x1b\u202e",
        "\u2028",
        "\U0001f600",
        "\ufffe",
        "e\u0301" * 40,
        " ",
        "\n",
        "*/",
    ),
]


@pytest.mark.parametrize("seed", range(3))
def test_no_text_runs_or_asks_for_anything(
    chromium: Browser, opened: Open, tmp_path: Path, seed: int
) -> None:
    """Every kind of page of an atlas all of whose strings are drawn from what is dangerous."""
    draw = random.Random(seed)
    about, atlas = atlas_of(lambda: "".join(draw.choices(PIECES, k=3)), tmp_path / "work")
    render(about, atlas, PANELS, tmp_path / "site")
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 12
    one = opened(chromium)
    for path in pages:
        page = one.go(path)
        assert page.evaluate("window.ran === undefined"), path
        assert not page.evaluate(
            "[...document.querySelectorAll('*')].some(e => [...e.attributes].some("
            "a => a.name.startsWith('on') || "
            "(/href|src|action/.test(a.name) && /^\\s*javascript:/i.test(a.value))))"
        ), path


@pytest.mark.skipif(not AXE.exists(), reason="npm install axe-core in assets/ audits the pages")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(chromium: Browser, opened: Open, site: Path, scheme: str) -> None:
    one = opened(chromium, color_scheme=scheme)
    for kind, address in {**KINDS, "error": "404.html"}.items():
        page = one.go(site / address)
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run({ preload: false }).then(({ violations }) => violations)")
        told = [(v["id"], v["nodes"][0]["html"], v["nodes"][0]["failureSummary"]) for v in found]
        assert not told, kind
