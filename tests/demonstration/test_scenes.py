"""Labelled scenes for dissection: textures, cut-outs, halves that share nothing, exact masks.

All on stamps and textures drawn here; the last test needs what `python site/scenes.py` made.
"""

import csv
import hashlib
import importlib.util
import io
import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import fetch
from composing import grounds, instances, scene, writing
from composing.instances import HALVES, Concept, Instance
from fetching import cutouts, packages, pat, patterns, stamps
from fetching.bundle import Bundle, File
from fetching.credits import credits

DATA = Path(__file__).parents[2] / "site" / "data"

# By its path: there is a module of this name among the tests.
_spec = importlib.util.spec_from_file_location("site_scenes", DATA.parent / "scenes.py")
assert _spec is not None and _spec.loader is not None
scenes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(scenes)


# -- GIMP's patterns --------------------------------------------------------------------------


def pattern(
    pixels: bytes, width: int, height: int, depth: int, magic: bytes = b"GPAT", version: int = 1
) -> bytes:
    """A .pat file, as GIMP writes it."""
    name = b"a name\0"
    numbers = struct.pack(">5I", 24 + len(name), version, width, height, depth)
    return numbers + magic + name + pixels


def test_a_pattern_of_each_depth_is_read() -> None:
    assert pat.read(pattern(b"\x05\x07", 2, 1, 1)).getpixel((1, 0)) == (7, 7, 7)
    assert pat.read(pattern(b"\x05\xff\x07\x00", 2, 1, 2)).getpixel((0, 0)) == (5, 5, 5)
    assert pat.read(pattern(b"\x05\xff\x07\x00", 2, 1, 2)).getpixel((1, 0)) == (255, 255, 255)
    assert pat.read(pattern(b"\1\2\3\4\5\6", 1, 2, 3)).getpixel((0, 1)) == (4, 5, 6)
    assert pat.read(pattern(b"\1\2\3\xff", 1, 1, 4)).getpixel((0, 0)) == (1, 2, 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "header is not whole"),
        (pattern(b"\0" * 4, 2, 2, 1, magic=b"GBRU"), "does not say 'GPAT'"),
        (pattern(b"\0" * 4, 2, 2, 1, version=2), "version 2 is unknown"),
        (pattern(b"\0" * 20, 2, 2, 5), "5 bytes a pixel"),
        (pattern(b"\0" * 3, 2, 2, 1), "pixels are missing"),
        (pattern(b"", 0, 2, 1), "0 x 2 pixels"),
        (pattern(b"", 2**32 - 1, 2**32 - 1, 4), "4294967295 x 4294967295 pixels"),
        (struct.pack(">5I4s", 7, 1, 1, 1, 1, b"GPAT") + b"\0", "a header of 7 bytes"),
        (struct.pack(">5I4s", 2**31, 1, 1, 1, 1, b"GPAT") + b"\0", "a header of 2147483648 bytes"),
    ],
)
def test_a_hostile_pattern_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(pat.PatError, match=said):
        pat.read(content)


@given(st.binary(max_size=24), st.integers(0, 40))
def test_a_damaged_pattern_is_read_or_refused(damage: bytes, at: int) -> None:
    whole = pattern(bytes(range(12)), 2, 2, 3)
    try:
        picture = pat.read(whole[:at] + damage + whole[at + len(damage) :])
    except pat.PatError:
        return
    assert picture.mode == "RGB" and picture.width * picture.height * 1 <= 36


def packed(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]) -> None:
    """Instead of downloading a Debian package, have one with these files."""

    def from_package(package: Path, wanted: Callable[[str], bool]) -> list[tuple[str, bytes]]:
        return [(name, content) for name, content in files.items() if wanted(name)]

    monkeypatch.setattr(packages, "from_apt", lambda package, folder: folder / "it.deb")
    monkeypatch.setattr(packages, "debian_version", lambda package: "1.0")
    monkeypatch.setattr(packages, "debian_files", from_package)


def test_patterns_are_sorted_by_material(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wood, place = pattern(b"\1\2\3", 1, 1, 3), "usr/share/gimp/2.0/patterns/"
    files = {
        f"{place}Wood/bark.pat": wood,
        f"{place}Wood/pine.pat": b"GPAT",
        f"{place}Legacy/warning.pat": wood,
        f"{place}Wood/../Wood/bark.pat": wood,
    }
    packed(monkeypatch, files)
    bundle = patterns.fetch(tmp_path)
    assert [file.path for file in bundle.files] == ["patterns/wood/bark.png"]
    assert "Wood/pine.pat of gimp-data 1.0 is left out: truncated" in capsys.readouterr().out
    with Image.open(tmp_path / "patterns/wood/bark.png") as picture:
        assert picture.getpixel((0, 0)) == (1, 2, 3)
    packed(monkeypatch, {})
    with pytest.raises(packages.FetchError, match="holds no patterns"):
        patterns.fetch(tmp_path)


# -- Stamps -----------------------------------------------------------------------------------


def stamp(seed: int, side: int = 60, colour: tuple[int, int, int] | None = None) -> Image.Image:
    """A disc on nothing: of noise as a photograph has it, or of one colour."""
    numbers = np.random.default_rng(seed)
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[..., :3] = numbers.integers(0, 256, (side, side, 3)) if colour is None else colour
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    pixels[..., 3] = 255 * (rows**2 + columns**2 < (side / 2 - 1) ** 2)
    return Image.fromarray(pixels)


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_a_drawing_is_told_from_a_photograph() -> None:
    photograph = png(stamp(0))
    assert cutouts.is_photograph(photograph)
    assert not cutouts.is_photograph(png(stamp(0, colour=(200, 30, 40))))
    halved = np.asarray(stamp(0)).copy()
    halved[:36, :, :3] = 7  # more than 45 % of one colour
    assert not cutouts.is_photograph(png(Image.fromarray(halved)))
    assert not cutouts.is_photograph(png(stamp(0, side=30)))  # too small
    assert not cutouts.is_photograph(photograph[:200])
    assert not cutouts.is_photograph(b"no picture")
    assert not cutouts.is_photograph(png(Image.new("RGBA", (60, 60))))  # nothing in it


def test_a_stamp_belongs_to_the_concept_of_its_folder() -> None:
    assert stamps.concept("animals/birds/owl") == "bird"
    assert stamps.concept("symbols/money/us/coins/001penny") == "coin"
    for other in (
        "animals/birds/cartoon/tux",
        "animals/fish/lobster",
        "vehicles/construction/dumper_mirror",
        "seasonal/christmas/Santa",
    ):
        assert stamps.concept(other) == ""


def test_stamps_are_sorted_by_concept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        f"{stamps.FOLDER}{name}": content
        for name, content in {
            "animals/birds/owl.png": png(stamp(1)),
            "animals/birds/owl.dat": b"nomirror\n",
            "animals/birds/crow.png": png(stamp(2)),
            "animals/birds/crow.dat": b"noflip\n",
            "animals/birds/drawn.png": png(stamp(3, colour=(1, 2, 3))),
            "animals/birds/owl.ogg": b"hoo",
            "animals/birds/cartoon/tux.png": png(stamp(4)),
            "symbols/money/canadian/coins/001penny.png": png(stamp(5)),
            "symbols/money/us/coins/001penny.png": png(stamp(6)),
        }.items()
    }
    packed(monkeypatch, files)
    bundle = stamps.fetch(tmp_path)
    assert [file.path for file in bundle.files] == [
        "stamps/bird/crow.png",
        "stamps/bird/owl.png",
        "stamps/coin/001penny-us.png",
        "stamps/coin/001penny.png",
        "stamps/unmirrored.txt",
    ]
    listed = (tmp_path / "stamps/unmirrored.txt").read_text().split("\n")
    assert listed == ["bird/owl", "coin/001penny", "coin/001penny-us", ""]


def test_files_of_one_folder_share_a_line_of_the_credits() -> None:
    files = tuple(File(f"stamps/{path}.png") for path in ("bird/crow", "bird/owl", "fish/carp"))
    text = credits([Bundle("Stamps", "stamps", "1", "GPL-2", files)])
    assert "GPL-2.\n\n- stamps/bird/: crow.png, owl.png\n- stamps/fish/: carp.png\n" in text


def test_scenes_are_fetched_when_asked_for() -> None:
    assert fetch.wanted(["scenes"]) == (*fetch.SOURCES, stamps.SOURCE, patterns.SOURCE)
    assert set(fetch.MORE["scenes"]).isdisjoint(fetch.SOURCES)
    assert all(source.optional for source in fetch.MORE["scenes"])


# -- Halves -----------------------------------------------------------------------------------


def test_what_may_show_the_same_thing_is_one_family() -> None:
    names = ["cow", "cow_white", "cowboy", "wood1", "wood2", "lion-2", "lion", "005", "010"]
    assert [instances.family(name, names) for name in names] == [
        *("cow", "cow", "cowboy", "wood", "wood", "lion", "lion", "005", "010")
    ]


@given(st.lists(st.from_regex(r"\A[a-c]{1,2}(_[a-c])?[0-9]?\Z"), unique=True, max_size=12))
def test_halves_share_no_family_and_lose_nothing(names: list[str]) -> None:
    halves = instances.split([Instance(Path(f"{name}.png")) for name in names])
    parts = [[instance.path.stem for instance in halves[half]] for half in HALVES]
    assert sorted(parts[0] + parts[1]) == sorted(names)
    families = [{instances.family(name, names) for name in part} for part in parts]
    assert families[0].isdisjoint(families[1])
    largest = max(
        (sum(instances.family(n, names) == f for n in names) for f in families[0] | families[1]),
        default=0,
    )
    assert abs(len(parts[0]) - len(parts[1])) <= largest


def test_no_photograph_lies_under_scenes_and_is_a_material() -> None:
    crops = [name for crops in grounds.CROPS.values() for name in crops]
    assert len(crops) == len(set(crops))
    assert set(crops).isdisjoint(grounds.GROUNDS)
    for box in (box for crops in grounds.CROPS.values() for box in crops.values()):
        assert 0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1


# -- Scenes -----------------------------------------------------------------------------------

COLOURS = ((250, 20, 20), (20, 250, 20), (20, 20, 250))


@pytest.mark.parametrize("seed", range(12))
def test_masks_say_what_the_pixels_show(tmp_path: Path, seed: int) -> None:
    """Stamps, a material and a ground of one colour each: a pixel's colour tells its concept."""
    things = []
    for number, colour in enumerate(COLOURS, 1):
        path = tmp_path / f"{seed}-{number}.png"
        stamp(0, 50 + 30 * number, colour).save(path)
        concept = Concept(f"c{number}", "object", {})
        things.append((number, concept, Instance(path)))
    Image.new("RGB", (9, 7), (250, 250, 20)).save(tmp_path / f"{seed}-tile.png")
    Image.new("RGB", (300, 280), (90, 90, 90)).save(tmp_path / f"{seed}-ground.png")
    material = Instance(tmp_path / f"{seed}-tile.png", tiles=True)
    things.insert(0, (4, Concept("m", "material", {}), material))
    picture, mask = scene.compose(
        Instance(tmp_path / f"{seed}-ground.png"), things, random.Random(seed)
    )
    palette = np.array([(90, 90, 90), *COLOURS, (250, 250, 20)])
    pixels = np.asarray(picture).astype(int)
    exact = (pixels[:, :, None] == palette).all(axis=3)
    # A pixel at a soft edge mixes two colours; all others have one of the palette.
    assert exact.any(axis=2).mean() > 0.9
    assert np.array_equal(exact.argmax(axis=2)[exact.any(axis=2)], mask[exact.any(axis=2)])
    border = np.ones_like(mask, bool)
    border[scene.MARGIN : -scene.MARGIN, scene.MARGIN : -scene.MARGIN] = False
    assert not np.isin(mask[border], (1, 2, 3)).any()
    assert {1, 2, 3, 4} <= set(np.unique(mask).tolist())


def test_what_has_writing_on_it_is_not_turned_round(tmp_path: Path) -> None:
    halves = Image.new("RGBA", (80, 40), (250, 0, 0, 255))
    halves.paste((0, 0, 250, 255), (40, 0, 80, 40))
    halves.save(tmp_path / "sign.png")
    for mirrors, seen in ((False, {True}), (True, {True, False})):
        sign = Instance(tmp_path / "sign.png", mirrors=mirrors)
        cuts = [scene.cut_out(sign, random.Random(seed)) for seed in range(20)]
        assert {cut.getpixel((2, 2))[0] > 128 for cut in cuts} == seen


def data(folder: Path) -> Path:
    """A data folder as fetch.py fills it, drawn: two concepts, one with too few, one material."""
    for number, (concept, count) in enumerate({"bird": 6, "coin": 5, "rare": 4}.items()):
        for own in range(count):
            path = folder / "stamps" / concept / f"{concept}-{'abcdef'[own]}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            stamp(10 * number + own).save(path)
    numbers = np.random.default_rng(0)
    for name in "vwxyz":
        path = folder / "patterns" / "wood" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(numbers.integers(0, 256, (20, 30, 3)).astype(np.uint8)).save(path)
    for name in grounds.GROUNDS[:5]:
        path = folder / "photographs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(numbers.integers(0, 256, (90, 120, 3)).astype(np.uint8)).save(path)
    return folder


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()


def test_the_same_data_give_the_same_scenes(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        scene.opened.cache_clear()
        source, target = data(tmp_path / name), tmp_path / f"{name}-scenes"
        target.mkdir()
        assert writing.scenes(source, target, 6, "1") == ["Without rare: 4 instances are too few."]
        made.append(digest(target))
    assert made[0] == made[1]


def test_the_dissection_reads_the_scenes(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from lamella.analyses.dissection.scenes import check_sizes, find_scenes

    (tmp_path / "scenes").mkdir()
    writing.scenes(data(tmp_path), tmp_path / "scenes", 6, "1")
    found = find_scenes(tmp_path / "scenes")
    check_sizes(found.scenes)
    assert found.apart and len(found.scenes) == 12
    assert all(scene.mask is not None for scene in found.scenes)
    assert {str(concept) for concept in found.table.values()} == {
        *("bird (object)", "coin (object)", "wood (material)")
    }
    present = [np.unique(np.asarray(Image.open(mask))) for mask in tmp_path.rglob("masks/*.png")]
    assert set(np.concatenate(present).tolist()) == {0, *found.table}
    with (tmp_path / "scenes" / "instances.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    parts = [{row["file"] for row in rows if row["half"] == half} for half in HALVES]
    assert parts[0].isdisjoint(parts[1]) and len(parts[0] | parts[1]) == 6 + 5 + 5 + 5


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that scenes.py works in, four scenes a half."""
    monkeypatch.setattr(scenes, "DATA", tmp_path)
    monkeypatch.setattr(scenes, "COUNT", 4)
    return tmp_path


def test_scenes_that_are_there_are_not_made_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data(folder)
    assert scenes.main() == 0
    assert "Making labelled scenes" in capsys.readouterr().out
    before = {path: path.stat().st_mtime_ns for path in (folder / "scenes").rglob("*")}
    whole = digest(folder / "scenes")
    assert scenes.main() == 0
    assert capsys.readouterr().out == f"8 labelled scenes in {folder / 'scenes'}\n"
    assert {path: path.stat().st_mtime_ns for path in (folder / "scenes").rglob("*")} == before
    (folder / "scenes" / "choose" / "000.jpg").unlink()
    assert scenes.main() == 0
    assert digest(folder / "scenes") == whole
    stamp(99).save(folder / "stamps" / "bird" / "bird-a.png")
    assert scenes.main() == 0
    assert digest(folder / "scenes") != whole
    assert not list(folder.glob(".partial-*"))


def test_a_stop_leaves_the_old_scenes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data(folder)
    assert scenes.main() == 0
    whole = digest(folder / "scenes")
    stamp(99).save(folder / "stamps" / "bird" / "bird-a.png")

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "_say", stopped)
    assert scenes.main() == 130
    assert digest(folder / "scenes") == whole
    assert not list(folder.glob(".partial-*"))


def test_without_stamps_the_remedy_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scenes.main() == 1
    assert "python site/fetch.py scenes" in capsys.readouterr().err
    data(folder)
    for path in (folder / "photographs").rglob("*.webp"):
        path.unlink()
    assert scenes.main() == 1
    assert "no photographs of monuments" in capsys.readouterr().err
    assert not (folder / "scenes").exists()


def test_where_there_are_no_stamps_photographs_without_labels_stand_in(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    from lamella.analyses.dissection.scenes import find_scenes

    data(folder)
    (folder / "stamps").rename(folder / "away")
    assert scenes.main(["--or-photographs"]) == 0
    assert "Without labelled scenes: the dissection knows colours only." in capsys.readouterr().out
    found = find_scenes(folder / "scenes")
    assert len(found.scenes) == 5 and all(scene.mask is None for scene in found.scenes)
    (folder / "away").rename(folder / "stamps")
    assert scenes.main(["--or-photographs"]) == 0
    assert find_scenes(folder / "scenes").apart


# -- What was made ----------------------------------------------------------------------------


@pytest.mark.skipif(
    not (DATA / "scenes" / scenes.MADE_OF).is_file(), reason="run: python site/scenes.py"
)
def test_every_concept_is_seen_often_enough_and_not_too_much() -> None:
    """A unit marks half a percent of all positions: what covers 12.5 % can never reach .04."""
    with (DATA / "scenes" / "concepts.csv").open(encoding="utf-8") as file:
        table = {int(row["index"]): row["name"] for row in csv.DictReader(file)}
    assert {*stamps.CONCEPTS, *grounds.CROPS, *patterns.MATERIALS} == set(table.values())
    for half in HALVES:
        paths = sorted((DATA / "scenes" / half / "masks").glob("*.png"))
        assert len(paths) == scenes.COUNT
        masks = np.stack([np.asarray(Image.open(path)) for path in paths])
        assert set(np.unique(masks).tolist()) == {0, *table}
        for index in table:
            assert 0.005 < (masks == index).mean() < 0.06
            assert (masks == index).any(axis=(1, 2)).sum() >= 15
