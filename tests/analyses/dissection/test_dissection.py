"""The dissection panel: scenes of the user's, what is wrong with them, detectors found and not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.drawn_scenes import SIDE, TABLE, write_scenes
from helpers.tiny import Tiny, held
from lamella.analyses.dissection import Dissection
from lamella.analyses.dissection.concepts import Concept
from lamella.analyses.dissection.scenes import digest_of_folder, find_scenes
from lamella.analyses.dissection.stored import slug_of
from lamella.errors import ConceptsError
from lamella.figures import Gallery
from lamella.figures.article import Article
from lamella.images.decoding import decode
from lamella.pipeline.plan import open_atlas

# Channel 0 answers to red, 1 to blue, 2 to everything alike; the others are random.
NETWORK = """\
import torch
from torch import nn


def network():
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 6, 1),
        nn.ReLU(),
        nn.Conv2d(6, 4, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )
    with torch.no_grad():
        colours = torch.tensor([[4.0, -2, -2], [-2, -2, 4], [0, 0, 0]])
        layers[0].weight[:3] = colours[..., None, None]
        layers[0].bias[:3] = torch.tensor([-0.5, -0.5, 1.06])
    return layers.eval()
"""
PLAIN = {"resize": SIDE, "size": SIDE, "mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}


@pytest.fixture
def made(tiny: Tiny) -> Tiny:
    """A folder with scenes, and a network with two detectors."""
    write_scenes(tiny.folder / "scenes")
    (tiny.folder / "network.py").write_text(NETWORK)
    return tiny.change(
        analysis__panels=["dissection"],
        model__preprocessing=PLAIN,
        panels__dissection__scenes="scenes",
        panels__dissection__side=SIDE,
    )


def shown(tiny: Tiny, name: str) -> str:
    return (tiny.folder / "public" / "tiny" / name).read_text(encoding="utf-8")


def test_a_unit_that_answers_to_a_colour_is_found_and_a_constant_one_is_not(made: Tiny) -> None:
    made.works("build")
    atlas = open_atlas(made.config())
    first, second, last = atlas.layers()
    own = first.of("dissection")
    words = Dissection().labels(first)
    # The discs alone are red, so that both words fit: the shape is asked for first by no rule.
    assert words[0] in {"red", "disc"} and words[1] in {"blue", "square"} and words[2] == ""
    assert own["measured"][0, 0] > 0.04 and not own["live"][2]
    assert (own["share"][own["live"] > 0] <= 0.01).all()
    assert "detects <bdi>" + words[0] in shown(made, "0/0.html")
    assert f'title="{words[0]}"' in shown(made, "0/index.html")
    assert words[0] in shown(made, "search.js")
    assert "This unit has no threshold" in shown(made, "0/2.html")
    assert "detects" not in shown(made, "0/2.html").partition("<section")[0]
    # A vector says nothing of places.
    assert not last.of("dissection").numbers and last.of("dissection").present.all()
    assert 'id="dissection"' not in shown(made, "6/0.html")
    page = shown(
        made, f"{slug_of(Concept(words[0], 'colour' if words[0] == 'red' else 'shape'))}.html"
    )
    assert "0/0.html" in page and "0/0-scenes.webp" in page
    overview = shown(made, "dissection.html")
    assert "With random weights" in overview and "concept-shape-disc.html" in overview
    network = shown(made, "index.html")
    assert 'href="../tiny/dissection.html"' in network and "concept-" not in network
    assert made.works("build").count("dissection:") == 0  # nothing is left to do
    del second


def test_the_same_twice_and_wherever_the_scenes_lie(made: Tiny) -> None:
    made.works("analyse")
    atlas = open_atlas(made.config())
    before = {f.layer.name: f.of("dissection") for f in atlas.layers()}
    (made.folder / "scenes").rename(made.folder / "moved")
    made.change(panels__dissection__scenes="moved")
    assert "dissection:" not in made.works("analyse")
    made.change(output__work="other").works("analyse")
    for facts in open_atlas(made.config()).layers():
        after = facts.of("dissection")
        for name, values in before[facts.layer.name].numbers.items():
            np.testing.assert_array_equal(values, after[name])
        assert after.pictures == before[facts.layer.name].pictures
    mask = made.folder / "moved" / "measure" / "masks" / "0.png"
    Image.new("L", (SIDE, SIDE)).save(mask)
    assert "dissection:" in made.works("analyse")


def test_scenes_are_published_with_whole_photographs_only(made: Tiny) -> None:
    made.works("analyse")
    for publish in ("whole", "patches", "none"):
        made.change(images__publish=publish).works("render")
        published = list((made.folder / "public").rglob("*-scenes.webp"))
        assert bool(published) == (publish == "whole")
        pages = "".join(p.read_text() for p in (made.folder / "public").rglob("*.html"))
        assert ("-scenes.webp" in pages) == (publish == "whole")
        assert "Detectors along depth" in pages


def test_without_scenes_photographs_are_searched_for_colours(made: Tiny) -> None:
    images = made.folder / "images"
    for at, path in enumerate(sorted((made.folder / "scenes").rglob("*/[0-9]*.png"))):
        if path.parent.name != "masks":
            path.rename(images / f"scene{at}.png")
    made.change(panels__dissection__scenes=None).works("build")
    assert Dissection().labels(next(open_atlas(made.config()).layers()))[:3] == ["red", "blue", ""]
    page = shown(made, "dissection.html")
    assert (
        "parted by the digest of their content" in page and "colours are the only concepts" in page
    )


def test_a_single_image_and_too_few_are_said_to_be_too_few(made: Tiny) -> None:
    made.change(panels__dissection__scenes=None)
    for path in sorted((made.folder / "images").rglob("*.png"))[1:]:
        path.unlink()
    made.works("build")
    assert "No concept is shown by 5 images of each set." in shown(made, "dissection.html")
    assert not list((made.folder / "public" / "tiny").glob("concept-*"))


def test_one_folder_is_parted_by_content_and_labels_may_be_missing(made: Tiny) -> None:
    folder = write_scenes(made.folder / "one", apart=False)
    for at in (1, 4, 6):
        (folder / "masks" / f"{at}.png").unlink()
    (folder / "11.png").write_bytes(b"not an image")
    found = find_scenes(folder)
    assert not found.apart and len(found.scenes) == 16
    assert [sum(scene.half == half for scene in found.scenes) for half in (0, 1)] == [8, 8]
    assert sum(scene.mask is None for scene in found.scenes) == 3
    made.change(panels__dissection__scenes="one").works("build")
    key = open_atlas(made.config()).keys["dissection"]
    plain = held(made.work / f"dissection-{key[:16]}" / "concepts.json")
    assert sum(plain["scenes"]) == 15 and plain["unlabelled"] == 3
    assert [name for name, _ in plain["skipped"]] == ["11.png"]
    noise = next(each for each in plain["concepts"] if each["name"] == "noise")
    assert sum(noise["images"]) == 12  # neither the unlabelled ones nor the broken one
    assert "were parted by the digest" in shown(made, "dissection.html")


def test_without_a_baseline_there_is_none(made: Tiny) -> None:
    made.change(panels__dissection__baseline=False).works("build")
    assert "andom weights" not in shown(made, "dissection.html")


def test_some_channels_first_and_the_others_later(made: Tiny) -> None:
    made.works("analyse", "--layer", "2", "--channels", "1,3")
    second = list(open_atlas(made.config()).layers())[1].of("dissection")
    assert np.flatnonzero(second.present).tolist() == [1, 3]
    made.works("build")
    whole = list(open_atlas(made.config()).layers())[1].of("dissection")
    assert whole.present.all()
    np.testing.assert_array_equal(second["measured"][[1, 3]], whole["measured"][[1, 3]])


# Bad input.


def rewrite(folder: Path, table: str) -> None:
    (folder / "concepts.csv").write_text(table)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "has no column 'index'"),
        ("index,name\n1,cat\n", "has no column 'kind'"),
        ("index,name,kind\n", "names no concept"),
        ("index,name,kind\n0,cat,object\n", "line 2: the index is '0'"),
        ("index,name,kind\n1.5,cat,object\n", "the index is '1.5'"),
        ("index,name,kind\n70000,cat,object\n", "the index is '70000'"),
        ("index,name,kind\n1,,object\n", "line 2: the name is empty"),
        ("index,name,kind\n1,cat\n", "line 2: the kind is empty"),
        ("index,name,kind\n1,cat,object\n1,dog,object\n", "line 3: the index 1 was there before"),
        ("index,name,kind\n1,cat,object\n2,cat,object\n", r"cat \(object\) was there before"),
        ("index,name,kind\n1,red,Colour\n", "the kind 'Colour' is taken"),
    ],
)
def test_tables_that_make_no_sense(made: Tiny, table: str, said: str) -> None:
    rewrite(made.folder / "scenes", table)
    with pytest.raises(ConceptsError, match=said) as caught:
        find_scenes(made.folder / "scenes")
    assert "concepts.csv" in caught.value.problem and caught.value.remedy


def test_what_is_wrong_with_masks_is_told_before_anything_runs(made: Tiny) -> None:
    folder = made.folder / "scenes"
    mask = folder / "choose" / "masks" / "3.png"
    good = mask.read_bytes()

    def fails(what: Image.Image | bytes) -> str:
        if isinstance(what, bytes):
            mask.write_bytes(what)
        else:
            what.save(mask)
        said = made.fails("build")
        assert str(mask) in said
        assert not made.work.exists() or not list(made.work.glob("survey-*"))
        return said

    assert "has 31 x 32 pixels, its image 32 x 32" in fails(Image.new("L", (31, 32)))
    assert "several channels" in fails(Image.new("RGB", (32, 32)))
    assert "pixels of index 9, which the table" in fails(Image.new("L", (32, 32), 9))
    deep = Image.fromarray(np.full((32, 32), 300, np.uint16))
    assert "pixels of index 300" in fails(deep)
    assert "Cannot read the mask" in fails(b"nothing")
    assert "Cannot read the mask" in fails(good[: len(good) // 2])
    mask.write_bytes(good)
    stray = folder / "measure" / "masks" / "nobody.png"
    stray.write_bytes(good)
    assert f"The mask {stray} has no image" in made.fails("build")
    stray.unlink()
    twin = folder / "measure" / "twin.png"
    twin.write_bytes((folder / "choose" / "3.png").read_bytes())
    assert "are the same image" in made.fails("build")
    twin.unlink()
    (folder / "concepts.csv").unlink()
    assert "Cannot read the table of concepts" in made.fails("build")


def test_a_folder_of_scenes_that_is_none(made: Tiny) -> None:
    made.change(panels__dissection__scenes="nowhere")
    assert "nowhere does not exist" in made.fails("build")
    (made.folder / "nowhere").mkdir()
    (made.folder / "nowhere" / "concepts.csv").write_text(TABLE)
    assert "holds no image" in made.fails("build")
    made.change(panels__dissection__scenes="atlas.toml")
    assert "is no folder" in made.fails("build")


def test_masks_of_16_bits_and_palettes_are_read(tmp_path: Path) -> None:
    from lamella.analyses.dissection.labels import of_scenes
    from lamella.config.preprocessing import Preprocessing

    folder = write_scenes(tmp_path, 3)
    rewrite(folder, "index,name,kind\n300,cat,animal\n7,noise,ground\n1,a,b\n2,c,b\n")
    values = np.full((SIDE, SIDE), 300, np.uint16)
    values[: SIDE // 2] = 0
    Image.fromarray(values).save(folder / "choose" / "masks" / "0.png")
    palette = Image.fromarray((values > 0).astype(np.uint8) * 7, "L").convert("P")
    palette.putdata((values > 0).astype(np.uint8).ravel() * 7)
    palette.save(folder / "choose" / "masks" / "1.png")
    preprocessing = Preprocessing(resize=SIDE, size=SIDE // 2)
    labelled = of_scenes(find_scenes(folder), preprocessing, SIDE // 2)
    names = [concept.name for concept in labelled.concepts]
    for name, path in (("cat", "0.png"), ("noise", "1.png")):
        at = next(
            n for n, mask in enumerate(labelled.masks) if mask == folder / "choose/masks" / path
        )
        plane = labelled.planes(at)[1]
        # The middle of the scene: its upper half has no label.
        assert (plane[: SIDE // 4] == 0).all()
        assert (plane[SIDE // 4 :] == names.index(name) + 1).all()


def test_a_mask_is_cut_and_scaled_like_its_image(tmp_path: Path) -> None:
    """A mask drawn as a photograph, sent through the photographs' own path."""
    from lamella.analyses.dissection.labels import of_scenes
    from lamella.config.preprocessing import Preprocessing

    folder = write_scenes(tmp_path, 1)
    mask = np.zeros((90, 130), np.uint8)
    mask[20:60, 30:100] = 1
    shades = np.repeat(mask[..., None] * 255, 3, axis=2)
    Image.fromarray(shades).save(folder / "choose" / "0.png")
    Image.fromarray(mask).save(folder / "choose" / "masks" / "0.png")
    labelled = of_scenes(find_scenes(folder), Preprocessing(resize=72, size=64), 64)
    at = next(n for n, path in enumerate(labelled.images.files) if path.parent.name == "choose")
    plane = labelled.planes(at)[1]
    expected = decode(folder / "choose" / "0.png", Preprocessing(resize=72, size=64))[..., 0] > 127
    assert ((plane > 0) == expected).mean() > 0.98 and 0.1 < (plane > 0).mean() < 0.9
    # A scene of exactly the network's size is not enlarged and cut.
    same = of_scenes(find_scenes(folder), Preprocessing(resize=40, size=SIDE), SIDE)
    at = next(n for n, path in enumerate(same.images.files) if path.parent.name == "measure")
    shown = np.asarray(Image.open(folder / "measure" / "0.png"))
    np.testing.assert_array_equal(same.images.pixels(at), shown)


def test_addresses_of_concepts_are_theirs_alone() -> None:
    names = ["cat", "Cat", "traffic light", "traffic-light", "cat/../x", "猫", "", "a  b", "a b"]
    found = [slug_of(Concept(name, kind)) for name in names for kind in ("object", "a b", "a-b")]
    assert len(set(found)) == len(found)
    assert found[0] == "concept-object-cat" and found[6] == "concept-object-traffic-light"
    assert all(set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for slug in found)


def test_hostile_names_are_only_ever_text(made: Tiny) -> None:
    rewrite(
        made.folder / "scenes",
        'index,name,kind\n1,<script>alert(1)</script>,"a""b"\n2,../../x,object\n7,\u202enoise,ground\n',
    )
    made.works("build")
    for page in (made.folder / "public").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script>alert" not in text and "\u202e" not in text
    assert {path.parent.name for path in (made.folder / "public").rglob("concept-*")} == {"tiny"}


def test_the_digest_is_of_content(tmp_path: Path) -> None:
    one, other = write_scenes(tmp_path / "a", 2), write_scenes(tmp_path / "b", 2)
    assert digest_of_folder(one) == digest_of_folder(other) != ""
    (other / "choose" / "0.png").rename(other / "choose" / "9.png")
    assert digest_of_folder(one) != digest_of_folder(other)
    assert digest_of_folder(tmp_path / "nowhere") == ""


def test_views_show_nothing_before_anything_is_computed(made: Tiny) -> None:
    made.works("analyse", "--panel", "dissection", "--layer", "0")
    atlas = open_atlas(made.config())
    panel = Dissection()
    first, second, _ = atlas.layers()
    assert panel.view(second, 0) == () and panel.view_layer(second) == ()
    assert panel.view(first, 0) and panel.labels(second) == ()
    whole, *pages = panel.articles(atlas)
    assert isinstance(whole, Article) and whole.listed and not any(page.listed for page in pages)
    for figure in panel.view_layer(first):
        if isinstance(figure, Gallery):
            assert all(tile.picture.alt and tile.link for tile in figure.tiles)
