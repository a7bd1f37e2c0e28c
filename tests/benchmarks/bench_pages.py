"""Unit pages a second on one core, and what it costs to find that nothing has changed.

Prints both; the aims are 1,000 a second and at most half of the time. Counted in processor time,
since the cores of a test machine are shared.
"""

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from helpers.fake_atlas import ABOUT, PANELS, Fake
from lamella.site.pages import Rendered, render
from lamella.store.facts import Atlas

FAKE = Fake(
    layers=tuple((f"features.{at}", 256) for at in range(8)), side=224, photographs=200, variety=24
)
ROUNDS = 3


def test_pages_a_second(tmp_path: Path) -> None:
    atlas = FAKE.write(tmp_path / "work")
    units = len(atlas.units)

    def timed(out: Path, about: object = ABOUT) -> tuple[float, Rendered]:
        again = Atlas(atlas.network, atlas.manifest, atlas.store, atlas.keys)
        began = time.process_time()
        result = render(about, again, PANELS, out)  # type: ignore[arg-type]
        return time.process_time() - began, result

    timed(tmp_path / "warm")
    fresh, pages, anew, same, probe = [], [], [], [], []
    for turn in range(ROUNDS):
        out = tmp_path / f"site-{turn}"
        seconds, result = timed(out)
        fresh.append(seconds)
        # Every page changes, pictures and sprites do not: what a new description costs.
        pages.append(timed(out, replace(ABOUT, title=f"Turn {turn}"))[0])
        # The same as new files: replacing one makes the file system write out the old at once.
        for page in out.rglob("*.html"):
            page.unlink()
        anew.append(timed(out, replace(ABOUT, title=f"Turn {turn}"))[0])
        seconds, again = timed(out, replace(ABOUT, title=f"Turn {turn}"))
        same.append(seconds)
        assert again.written == 0
        # The same bytes in as many files, and nothing else.
        bare = tmp_path / f"bare-{turn}"
        bare.mkdir()
        content = os.urandom(result.bytes // result.written)
        began = time.process_time()
        for number in range(result.written):
            (bare / str(number)).write_bytes(content)
        probe.append(time.process_time() - began)
    best = min(fresh)
    size = (tmp_path / "site-0/tiny/features.3/7.html").stat().st_size
    print(
        f"\npages: {units / min(anew):.0f} unit pages a second (aim 1,000), "
        f"{units / min(pages):.0f} over existing ones, {units / best:.0f} with all pictures and "
        f"sprites; unchanged {min(same) / best:.1%} of the "
        f"time (aim 50 %); bare writing {min(probe) / best:.0%}; {size / 1e3:.1f} KB a page, "
        f"{result.bytes / units / 1e3:.1f} KB a unit; "
        f"spread {np.ptp(fresh) / best:.0%} over {ROUNDS} rounds"
    )
