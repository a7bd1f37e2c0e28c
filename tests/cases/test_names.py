"""Case 24: names that HTML, addresses and globs would read otherwise."""

from html import unescape
from pathlib import Path
from re import findall
from urllib.parse import unquote, urlsplit

import torch

from cases.atlas import case, drawn
from lamella.loading.load import load
from lamella.pipeline.plan import open_atlas

LABELS = ('crane, "old" & <i>new</i>', "l'\u00e9t\u00e9 100% #1", "\u65e5\u672c\u8a9e ?")
MARKS = ("<i>new", "<b>yours", "<img src=x")


def test_every_link_leads_somewhere_and_no_name_is_markup(tmp_path: Path) -> None:
    tiny = case(tmp_path, "24 names", images=0, model__classes="classes.txt")
    for at, label in enumerate(LABELS * 2):
        file = tiny.folder / "images" / label / f"{at} <img src=x onerror=alert(1)> & 50%#?.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        drawn(at).save(file)
    (tiny.folder / "classes.txt").write_text("\n".join(LABELS), encoding="utf-8")
    panels = ["predictions", "classes", "label_selectivity", "photographs"]
    tiny.change(title='Mine & <b>yours</b> "here"', analysis__panels=panels)
    tiny.works("build")
    site, seen = tiny.folder / "public", 0
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not [mark for mark in MARKS if mark in text], page
        for link in map(unescape, findall(r'(?:href|src)="([^"]*)"', text)):
            parts = urlsplit(link)
            if not parts.scheme and parts.path:
                seen += 1
                assert (page.parent / unquote(parts.path)).exists(), (page, link)
    assert seen > 100
    names = [layer.name for layer in open_atlas(tiny.config()).network.layers]
    assert names == list(load(tiny.config(), torch.device("cpu")).traced) and len(names) == 7
    tiny.works("analyse", "--layer", "parts.[[]x]*")
