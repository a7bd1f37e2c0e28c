"""The pages: what they say, what they depend on, and what rendering leaves alone."""

import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import lamella
from helpers.fake_atlas import ABOUT, PANELS, Fake
from helpers.pages import (
    HOSTILE,
    HOSTILE_ABOUT,
    Scan,
    Strict,
    atlas_of,
    fresh,
    hostile,
    written,
)
from lamella.errors import SiteError
from lamella.figures import Gallery, Picture, Tile, links
from lamella.network.units import Box, Unit
from lamella.site.pages import Rendered, render
from lamella.site.templating import address, environment, script, source, to_bytes
from lamella.store.facts import Atlas

GOLDEN = Path(__file__).parents[1] / "golden"
SMALL = Fake(layers=(("conv1", 3), ("mixed.Up_1", 66), ("fc", 2)), side=32, photographs=6)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    return SMALL.write(tmp_path_factory.mktemp("work"))


def unit_file(layer: str, channel: int, network: str = "tiny") -> str:
    return links.unit_page(network, Unit(layer, channel))


@pytest.mark.parametrize(
    "page", ["index.html", "tiny/index.html", "tiny/fc/1.html", "tiny/depth.html", "about.html"]
)
def test_golden_pages(work: Atlas, tmp_path: Path, page: str) -> None:
    """Run with UPDATE_GOLDEN=1 after a change of the templates, and read the difference."""
    render(ABOUT, fresh(work), PANELS, tmp_path)
    found = (tmp_path / page).read_text()
    golden = GOLDEN / page.replace("/", "_")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(found)
    assert found == golden.read_text()


def test_the_same_atlas_gives_the_same_bytes(work: Atlas, tmp_path: Path) -> None:
    render(ABOUT, fresh(work), PANELS, tmp_path / "a")
    render(ABOUT, fresh(work), PANELS, tmp_path / "b")
    assert written(tmp_path / "a") == written(tmp_path / "b")


def test_every_unit_has_a_page_with_its_sections(work: Atlas, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    result = render(
        ABOUT, fresh(work), PANELS, tmp_path, lambda done, total: seen.append((done, total))
    )
    for unit in work.units:
        page = (tmp_path / links.unit_page("tiny", unit)).read_text()
        assert f"@0123456789ab/{unit}" in page
        for section in ("feature_visualization", "dataset_examples", "statistics", "embedding"):
            assert f'<section id="{section}"' in page
    assert seen == [(3, 71), (69, 71), (71, 71)]
    files = written(tmp_path)
    assert result.pages == sum(name.endswith(".html") for name in files) == 71 + 3 + 8
    assert result.bytes == sum(map(len, files.values()))
    assert result.written == len(files) and result.deleted == result.unchanged == 0


def test_an_unchanged_atlas_writes_nothing(work: Atlas, tmp_path: Path) -> None:
    first = render(ABOUT, fresh(work), PANELS, tmp_path)

    def times_of() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}

    times = times_of()
    again = render(ABOUT, fresh(work), PANELS, tmp_path)
    assert again == Rendered(first.pages, 0, 0, first.written, first.bytes)
    assert times_of() == times


def test_a_finished_layer_renews_itself_and_the_pages_of_the_whole(tmp_path: Path) -> None:
    fake = replace(SMALL, done=("conv1",))
    atlas = fake.write(tmp_path / "work")
    out = tmp_path / "site"
    render(ABOUT, atlas, PANELS, out)
    before = written(out)
    pending = before[unit_file("fc", 1)].decode()
    assert "Not computed yet." in pending and 'id="dataset_examples"' in pending
    fake.visualize(atlas, atlas.network.layers[2])
    result = render(ABOUT, fresh(atlas), PANELS, out)
    after = written(out)
    changed = {name for name in after if after[name] != before.get(name)}
    allowed = ("tiny/fc/", "index.html", "tiny/index.html", "about.html", "atlas.json")
    assert changed and all(name.startswith(allowed) for name in changed)
    assert result.written == len(changed) and result.deleted == 0
    assert "Not computed yet." not in after[unit_file("fc", 1)].decode()


def test_a_file_that_was_touched_is_mended(work: Atlas, tmp_path: Path) -> None:
    render(ABOUT, fresh(work), PANELS, tmp_path)
    before = written(tmp_path)
    (tmp_path / unit_file("fc", 0)).write_text("spoilt")
    (tmp_path / unit_file("fc", 1)).unlink()
    result = render(ABOUT, fresh(work), PANELS, tmp_path)
    assert result.written == 2
    assert written(tmp_path) == before


def test_what_is_no_longer_made_is_deleted_and_strangers_stay(work: Atlas, tmp_path: Path) -> None:
    render(ABOUT, fresh(work), PANELS, tmp_path)
    (tmp_path / "CNAME").write_text("atlas.example")
    (tmp_path / "tiny/fc/notes.txt").write_text("mine")
    network = replace(work.network, layers=work.network.layers[:2])
    fewer = Atlas(network, work.manifest, work.store, {**work.keys, "embedding": "0" * 64})
    result = render(ABOUT, fewer, PANELS, tmp_path)
    assert result.deleted > 2
    assert sorted(path.name for path in (tmp_path / "tiny/fc").iterdir()) == ["notes.txt"]
    assert (tmp_path / "CNAME").read_text() == "atlas.example"


def test_a_stranger_in_the_way_is_not_replaced(work: Atlas, tmp_path: Path) -> None:
    render(ABOUT, fresh(work), PANELS, tmp_path)
    (tmp_path / "sitemap.xml").write_text("mine")
    with pytest.raises(SiteError, match=r"sitemap\.xml is in the way"):
        render(replace(ABOUT, site_url="https://a.example"), fresh(work), PANELS, tmp_path)
    assert (tmp_path / "sitemap.xml").read_text() == "mine"


def test_a_foreign_folder_is_refused(work: Atlas, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years")
    with pytest.raises(SiteError, match=r"not an atlas, 'thesis\.tex'"):
        render(ABOUT, fresh(work), PANELS, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(SiteError, match="not a folder"):
        render(ABOUT, fresh(work), PANELS, tmp_path / "thesis.tex")


def test_a_manifest_cannot_name_files_outside(work: Atlas, tmp_path: Path) -> None:
    out, victim = tmp_path / "site", tmp_path / "victim"
    render(ABOUT, fresh(work), PANELS, out)
    victim.write_text("keep")
    manifest = out / ".lamella/manifest.json"
    manifest.write_text(manifest.read_text().replace('"about.html"', '"../victim"'))
    render(ABOUT, fresh(work), PANELS, out)
    assert victim.read_text() == "keep"


def test_a_full_disk_is_an_error_and_the_next_run_goes_on(
    work: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.replace, [0]

    def failing(draft: str, path: Path) -> None:
        calls[0] += 1
        if calls[0] > 40:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(draft, path)

    out = tmp_path / "site"
    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(SiteError, match=r"No space left on device[\s\S]*make room"):
        render(ABOUT, fresh(work), PANELS, out)
    monkeypatch.undo()
    render(ABOUT, fresh(work), PANELS, out)
    render(ABOUT, fresh(work), PANELS, tmp_path / "other")
    assert written(out) == written(tmp_path / "other")


@pytest.mark.parametrize(
    ("publish", "photographs", "patches"),
    [("whole", True, True), ("patches", False, True), ("none", False, False)],
)
def test_private_photographs_stay_private(
    work: Atlas, tmp_path: Path, publish: str, photographs: bool, patches: bool
) -> None:
    atlas = Atlas(work.network, work.manifest, work.store, work.keys, publish)
    render(replace(ABOUT, publish=publish), atlas, PANELS, tmp_path)
    files = written(tmp_path)
    assert any("/images/" in name for name in files) == photographs
    assert any("-patches.webp" in name for name in files) == patches
    pages = b"".join(content for name, content in files.items() if name.endswith(".html"))
    assert (b"images/" in pages) == photographs
    assert (b"-patches.webp" in pages) == patches


def test_absolute_addresses_only_where_the_site_knows_its_own(work: Atlas, tmp_path: Path) -> None:
    render(ABOUT, fresh(work), PANELS, tmp_path)
    everything = b"".join(written(tmp_path).values())
    assert b"canonical" not in everything and not (tmp_path / "sitemap.xml").exists()
    with_url = replace(ABOUT, site_url="https://atlas.example/sub/")
    render(with_url, fresh(work), PANELS, tmp_path)
    home = (tmp_path / "index.html").read_text()
    assert '<link rel="canonical" href="https://atlas.example/sub/index.html">' in home
    assert '<meta name="citation_author" content="Ada Example">' in home
    assert "https://atlas.example/sub/tiny/fc/1.html" in (tmp_path / "sitemap.xml").read_text()
    assert (
        "url = {https://atlas.example/sub/tiny/fc/1.html}"
        in (tmp_path / "tiny/fc/1.html").read_text()
    )
    render(replace(ABOUT, site_url="javascript:alert(1)"), fresh(work), PANELS, tmp_path)
    assert b"javascript:" not in b"".join(written(tmp_path).values())
    assert not (tmp_path / "sitemap.xml").exists()


def test_renders_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from helpers.fake_atlas import *; from pathlib import Path\n"
        "from lamella.site.pages import render\n"
        "out = Path(sys.argv[1])\n"
        "fake = Fake(layers=(('a', 2), ('b', 2)), side=32, photographs=3)\n"
        "print(render(ABOUT, fake.write(out / 'work'), PANELS, out / 'site').pages)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(lamella.__file__).parents[1])},
    )
    assert done.stdout.strip() == "14", done.stderr


# Hostile names.


SIGNS = st.characters() | st.sampled_from("<>&\"'`=/{}%#\\ \t\n\u2028\ufeff\u202e]-!")
PIECES = st.sampled_from(
    ["<!--", "-->", "]]>", "</title>", "</script>", "<svg onload=a()>", "&#60;"]
)
TEXTS = st.lists(st.text(SIGNS, max_size=8) | PIECES, max_size=3).map("".join)


@pytest.fixture(scope="module")
def vocabulary(work: Atlas, tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Every tag and attribute that pages of plain names have."""
    top = tmp_path_factory.mktemp("plain")
    names = iter(range(100))
    render(ABOUT, fresh(work), PANELS, top / "a")
    render(*atlas_of(lambda: f"plain {next(names)}", top / "work"), PANELS, top / "b")
    render(*atlas_of(str, top / "empty"), PANELS, top / "c")
    render(*atlas_of(str, top / "empty"), PANELS, top / "c")
    render(*atlas_of(lambda: f"{next(names)} long" * 9, top / "long"), PANELS, top / "d")
    pages = [Strict(path.read_text()) for path in top.rglob("*.html")]
    assert len(pages) > 80 and not any(page.wrong for page in pages)
    return set().union(*(page.seen for page in pages))


@settings(max_examples=10, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_text_is_ever_markup(
    vocabulary: set[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Arbitrary Unicode in every string: the pages are valid and have no tag of its making."""
    top = tmp_path_factory.mktemp("strange")
    about, atlas = atlas_of(lambda: data.draw(TEXTS), top / "work")
    render(about, atlas, PANELS, top / "site")
    for path in (top / "site").rglob("*.html"):
        page = Strict(path.read_text())
        assert not page.wrong, path
        assert page.seen <= vocabulary, (path, page.seen - vocabulary)
    for path in (top / "site").rglob("*.js"):
        assert path.read_bytes().isascii() or "assets" in path.parts
    shutil.rmtree(top)


def test_hostile_names_are_only_ever_text(tmp_path: Path) -> None:
    atlas = hostile(tmp_path / "work")
    out = tmp_path / "site"
    render(HOSTILE_ABOUT, atlas, PANELS, out)
    top = {path.name for path in out.iterdir()}
    assert len(top) == 11 and not (tmp_path / "etc").exists()
    pages = [path for path in out.rglob("*.html")]
    assert len(pages) == 2 * len(HOSTILE) + len(HOSTILE) + 8
    for path in pages:
        text = path.read_text()
        assert not re.search("[\u202e\x00\x1b]", text)
        for tag, attributes in Scan(text).found:
            assert not any(name.startswith("on") or name == "style" for name in attributes)
            if tag == "script":
                assert re.fullmatch(r"(\.\./)*assets/\w+\.js|map-data\.js", attributes["src"] or "")
            if tag == "img":
                assert re.search(r"\.webp$|^data:image/webp;base64,", attributes["src"] or "")
            for name in ("href", "src"):
                assert not (attributes.get(name) or "").lower().startswith("javascript:")
    assert "{{ 7 * 7 }}" in (out / "about.html").read_text()
    for path in out.rglob("*.js"):
        if path.parent.name != "assets":
            assert "<" not in path.read_text()


# Small parts.


@pytest.mark.parametrize(
    "path",
    ["javascript:alert(1)", "//host/x", "/etc/passwd", "../up.html", "a?b", "http://a", "", 'a"b'],
)
def test_addresses_that_do_not_pass(path: str) -> None:
    assert address(path) == "" and source(path, "../") == ""


def test_addresses_that_pass() -> None:
    assert address("net/map.html#a b:3") == "net/map.html#a%20b:3"
    assert source("net/x-1/3-picture.webp", "../../") == "../../net/x-1/3-picture.webp"
    assert source("data:image/webp;base64,AAAA", "../") == "data:image/webp;base64,AAAA"
    assert source("data:text/html;base64,AAAA", "../") == ""


def test_scripts_hold_no_markup() -> None:
    content = script("x", {"a": "</script>\u2028&"}).decode()
    assert content == 'window.x={"a":"\\u003c/script\\u003e\\u2028\\u0026"};\n'


def test_unseen_characters_are_spelled_out() -> None:
    assert to_bytes("a\u202eb\x00c é\n") == "a\\u202eb\\u0000c é\n".encode()
    assert to_bytes("\ud800").isascii()


def test_every_shape_of_a_tile() -> None:
    draw: dict[str, Callable[..., str]] = environment().filters
    whole = Picture("a.webp", 'it\'s "whole"', 224, 224, outline=Box(1, 2, 3, 4))
    cell = Picture("s.webp", "a <cell> 100%", 36, 36, cell=5, columns=4, rows=3, pixelated=True)
    odd = Picture("s.webp", "odd", 30, 20, cell=5, columns=4, rows=3)
    tiles = (
        Tile(cell, "caption & more", "detail", beside=whole),
        Tile(odd, "", link="n/l/1.html", beside=cell),
        Tile(whole, "x\0y", link="javascript:1"),
    )
    drawn = str(draw["tiles"](Gallery("", tiles), "../"))
    assert (
        '<span class="cell c4 x1 y1 sharp"><img src="../s.webp" alt="a &lt;cell&gt; 100%"' in drawn
    )
    assert 'width="144" height="108"' in drawn
    assert '<rect x="1" y="2" width="3" height="4"/>' in drawn
    assert 'data-whole="detail, activation caption &amp; more"' in drawn
    assert 'viewBox="30 20 30 20"><image href="../s.webp" width="120" height="60"/>' in drawn
    assert '<a href="../n/l/1.html">' in drawn
    assert "javascript" not in drawn and "<bdi>xy</bdi>" in drawn
    assert str(draw["picture"](odd, "")).startswith('<svg class="pic" role="img" aria-label="odd"')
