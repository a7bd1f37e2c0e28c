"""The analysis that CONTRIBUTING.md writes out works as it stands there: one file, one line."""

import re
import textwrap
from pathlib import Path

import pytest

import lamella.analyses
from helpers.tiny import Tiny
from lamella.pipeline.plan import open_atlas

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_recipe_of_contributing_adds_an_analysis(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = textwrap.dedent(re.findall(r"  ```python\n(.*?)  ```", TEXT, re.DOTALL)[0])
    written: dict[str, object] = {"__name__": "lamella.analyses.centre_distance"}
    exec(compile(code, "centre_distance.py", "exec"), written)
    panel = written["CentreDistance"]()  # type: ignore[operator]
    monkeypatch.setattr(lamella.analyses, "PANELS", (*lamella.analyses.PANELS, panel))
    tiny.change(analysis__panels=["centre_distance"], panels__centre_distance__examples=2)
    tiny.works("build")
    page = (tiny.folder / "public" / "tiny" / "0" / "3.html").read_text(encoding="utf-8")
    assert 'id="centre_distance"' in page and "Distance from the centre" in page
    facts = open_atlas(tiny.config()).layer(open_atlas(tiny.config()).network.layers[0])
    survey, stored = facts.of("survey"), facts.of("centre_distance")["distance"]
    middle = (facts.layer.height - 1) / 2
    far = [
        sum((survey[f"top_{axis}"][3, at] - middle) ** 2 for axis in ("row", "column")) ** 0.5
        for at in range(2)
    ]
    assert stored[3] == pytest.approx(sum(far) / 2)
    said = tiny.change(panels__centre_distance__examples=0).fails("build")
    assert "[panels.centre_distance]" in said and "examples" in said
