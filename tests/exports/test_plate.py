"""A drawn figure: fonts inside, nothing of the clock, everything within its width."""

import hashlib
import io
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from helpers.tiny import ENVIRONMENT
from lamella.errors import ConfigError
from lamella.exports.figure import Input, Row, Shown
from lamella.exports.plate import INCH, _layout, drawn


def square(colour: str, side: int = 16, sharp: bool = False) -> Shown:
    return Shown(Image.new("RGB", (side, side), colour), sharp)


INPUT = Input("layer3.0.conv1:447", "+1.2", square("red", 3, True), square("blue"))
ROW = Row(
    title="net@0123456789ab/layer3.1.conv1:17 ($x^2$)",
    caption="Receptive field 31 px. " * 3,
    picture=square("orange", 64),
    examples=tuple(square(name) for name in ("red", "green", "navy", "teal", "gold", "pink")),
    no_examples="",
    kernel=None,
    inputs=((INPUT,) * 3, (INPUT,) * 2),
)
EMPTY = replace(
    ROW, picture=None, examples=(), no_examples="images are not published", inputs=((), ())
)
FIRST = replace(ROW, kernel=square("grey", 5, True), inputs=((), ()))
SOURCE = "From T by A (2026), CC-BY-4.0."


ELSEWHERE = """
import hashlib, runpy, sys
test = runpy.run_path(sys.argv[1])
rows = [test["ROW"], test["FIRST"]]
print(hashlib.sha256(test["drawn"](rows, test["SOURCE"], sys.argv[2], 174, 100)[0]).hexdigest())
"""


@pytest.mark.parametrize("kind", ["pdf", "svg", "png"])
def test_the_same_rows_give_the_same_bytes(kind: str) -> None:
    """In another process too, which has other random numbers and another time."""
    content, _ = drawn([ROW, FIRST], SOURCE, kind, 174, 100)
    path = f"{ENVIRONMENT['PYTHONPATH']}:{Path(__file__).parents[1]}"
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, __file__, kind],
        env=ENVIRONMENT | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == hashlib.sha256(content).hexdigest(), done.stderr


def test_a_pdf_has_its_fonts_inside() -> None:
    content, said = drawn([ROW], SOURCE, "pdf", 174, 100)
    assert not said
    assert b"/FontFile2" in content and b"/Type3" not in content


@pytest.mark.parametrize("width", [85.0, 174.0])
@pytest.mark.parametrize("rows", [[ROW], [FIRST], [EMPTY], [EMPTY, ROW, FIRST]])
def test_it_is_as_wide_as_asked_for(rows: list[Row], width: float) -> None:
    content, _ = drawn(rows, SOURCE, "png", width, 100)
    image = Image.open(io.BytesIO(content))
    assert image.width == pytest.approx(width / INCH * 100, abs=1)


def test_nothing_reaches_beyond_the_width() -> None:
    for width in (60, 85, 120, 174, 300):
        plan = _layout([ROW], width)
        assert plan.second + 3 * (2 * plan.tile + 1.6) <= width + 1e-6
        assert plan.first + plan.columns * plan.patch <= plan.second


def test_pictures_grow_with_the_width_and_do_not_grow_beyond_measure() -> None:
    sides = [_layout([ROW], width).side for width in (60, 85, 120, 174, 300, 1000)]
    assert sides == sorted(sides) and sides[0] < sides[3] and sides[-1] == pytest.approx(60)


def test_too_little_width_is_told() -> None:
    with pytest.raises(ConfigError, match="less than 8 mm") as caught:
        drawn([ROW], SOURCE, "pdf", 30, 100)
    least = int(re.findall(r"Take (\d+) mm", caught.value.remedy)[0])
    assert drawn([ROW], SOURCE, "pdf", least, 100)[0]


def test_a_sign_that_the_font_lacks_is_told() -> None:
    _, said = drawn([replace(ROW, title="漢")], SOURCE, "pdf", 174, 100)
    assert said and "missing from font" in said[0]


def test_matplotlib_is_asked_for_by_name_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"lamella\[figure\]"):
        drawn([ROW], SOURCE, "pdf", 174, 100)


def test_nothing_but_a_figure_imports_matplotlib() -> None:
    code = (
        "import sys, lamella.cli, lamella.exports.opened, lamella.exports.figure\n"
        "import lamella.exports.plate; assert 'matplotlib' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True)
    assert done.returncode == 0, done.stderr
