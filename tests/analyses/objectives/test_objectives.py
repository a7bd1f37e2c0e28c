"""The page that goes through Distill's article: its demonstrations, its words, its rules."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import torch

import lamella.analyses.objectives.ascents as ascents
import lamella.analyses.objectives.compute as compute
from helpers.pages import Scan
from helpers.tiny import NETWORK, Tiny, held, write_images
from lamella import optvis
from lamella.analyses.objectives import Objectives
from lamella.analyses.objectives.ascents import Recorded
from lamella.analyses.objectives.choice import chosen, parsed
from lamella.analyses.objectives.compute import DEMONSTRATIONS, entries
from lamella.analyses.objectives.context import Context
from lamella.analyses.objectives.specification import Demonstration
from lamella.analyses.objectives.text import ABSENT, SECTIONS
from lamella.errors import LamellaError
from lamella.pipeline.pipeline import Analysis


def atlas_in(folder: Path, network: str = NETWORK, **keys: Any) -> Tiny:
    folder.mkdir(parents=True, exist_ok=True)
    write_images(folder / "images")
    (folder / "network.py").write_text(network)
    found = Tiny(folder)
    found.change(analysis__panels=["objectives"], panels__objectives__steps=8, **keys)
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A tiny atlas with class names."""
    folder = tmp_path_factory.mktemp("objectives")
    (folder / "classes.txt").write_text("ant\nbee\ncat\n")
    found = atlas_in(folder, model__classes="classes.txt")
    found.works("build")
    return found


@pytest.fixture(scope="module")
def context(built: Tiny) -> Context:
    analysis = Analysis.of(built.config())
    panel, settings = next(pair for pair in analysis.panels if pair[0].name == "objectives")
    job = analysis.job(panel, settings)
    asked = parsed(
        job.atlas.network, job.images.manifest, 3, unit=None, second=None, output=None, image=None
    )
    return Context.of(job, chosen(job.atlas, asked), steps=8, size=None)


def page(built: Tiny) -> str:
    return unescape((built.folder / "public" / "tiny" / "objectives.html").read_text())


def notes(built: Tiny) -> dict[str, Any]:
    (path,) = built.work.glob("objectives-*/demonstrations.json")
    found: dict[str, Any] = held(path)
    return found


def pictures(built: Tiny) -> set[str]:
    return {path.name for path in (built.folder / "public/tiny/objectives").glob("*.webp")}


# Demonstrations and words.


def written(term: str) -> optvis.Objective:
    """The objective that an expression stands for."""

    def one(kind: type) -> Any:
        return lambda number, **more: kind(torch.tensor([number]), **more)

    names = {name: getattr(optvis, name) for name in optvis.__all__}
    names |= {name: one(names[name]) for name in ("Channel", "Neuron", "Logit", "Probability")}
    vector, values = torch.ones(1, 2), torch.ones(1, 2, 3, 3)
    found = eval(term, {**names, "v": vector, "r": [vector] * 9, "t": values})
    assert isinstance(found, optvis.Objective)
    return found


@pytest.mark.parametrize(
    "demonstration", DEMONSTRATIONS, ids=lambda demonstration: demonstration.key
)
def test_what_is_printed_is_what_was_raised(context: Context, demonstration: Demonstration) -> None:
    specification = demonstration.make(context)
    assert len(specification.captions) == demonstration.pictures and all(specification.captions)
    for term, meaning in specification.expression.terms.items():
        # Where two layers are asked, the description names the unit's too.
        said = meaning.replace(f" of {context.unit.layer}", "")
        assert written(term).description.replace(f" of {context.unit.layer}", "") == said
    for text in specification.expression.texts:
        assert isinstance(written(text), optvis.Objective)
        assert all(
            term in specification.expression.terms
            for term in re.findall(r"[A-Z]\w*\([^()]*\)", text)
        )


# The page.


def test_the_page_shows_every_section_with_its_settings(built: Tiny) -> None:
    text = page(built)
    scan = Scan(text)
    images = [attributes for tag, attributes in scan.found if tag == "img"]
    assert len(images) > 55
    for image in images:
        assert image["alt"] and image["width"] and image["height"]
    for part in SECTIONS:
        assert f"<bdi>{part.title}</bdi></h2>" in text
    document = notes(built)
    subject = document["subject"]
    assert f"for {subject['unit']}, each with" in text
    assert not re.search(r"\{(unit|second|class|layer)\}", text)
    for word in ("Channel(", "TotalVariation()", "decorrelated colours", "of Adam, rate", "jitter"):
        assert word in text, word
    assert "could not be made" not in text and "What the expressions mean" in text
    assert text.count("<svg role=") >= 2  # the curve, the spectra
    assert "Photographs that excite it most" in text


def test_every_demonstration_was_made_and_described(built: Tiny) -> None:
    document = notes(built)["demonstrations"]
    there = {
        demonstration.key
        for demonstration in DEMONSTRATIONS
        if "private" not in demonstration.needs
    }
    distinct = {key for key in there if not key.endswith(("_early", "_middle"))}
    assert distinct <= document.keys() <= there
    for key, demonstration in document.items():
        assert "problem" not in demonstration, (key, demonstration)
        if key != "image":
            assert demonstration["description"] and all(demonstration["expressions"]), key
            assert set(demonstration["facts"]) == {
                "parameterization",
                "start",
                "ascent",
                "transformation",
            }
    numbered = entries()
    files = {f"{n}-{'photograph' if document[k]['photographic'] else 'plate'}.webp"
             for k in document for n in numbered[k]}  # fmt: skip
    assert pictures(built) == files


def test_resumed_equals_uninterrupted(built: Tiny, tmp_path: Path) -> None:
    (folder,) = built.work.glob("objectives-*/network")
    before_ = {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}
    document = notes(built)
    for at, path in enumerate(sorted(folder.glob("*.json"))):
        if at % 3 == 0:
            path.unlink()
            path.with_suffix(".safetensors").unlink()
    built.works("build")
    assert {path.name: path.read_bytes() for path in folder.glob("*.safetensors")} == before_
    assert notes(built) == document


def test_the_document_is_the_same_whichever_worker_finishes_first(
    built: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def backwards(*arguments: Any) -> Iterator[Any]:
        return reversed(list(ascents.results(*arguments)))

    monkeypatch.setattr(compute, "results", backwards)
    (tmp_path / "classes.txt").write_text("ant\nbee\ncat\n")
    other = atlas_in(tmp_path, model__classes="classes.txt")
    other.works("build")
    keys = list(notes(other)["demonstrations"])
    assert keys == [each.key for each in DEMONSTRATIONS if each.key in keys]
    first, second = (next(a.work.glob("objectives-*/demonstrations.json")) for a in (built, other))
    assert first.read_bytes() == second.read_bytes()


# What may be published.


def test_photographs_are_left_out_as_soon_as_they_are_not_public(tmp_path: Path) -> None:
    found = atlas_in(tmp_path)
    found.works("build")
    assert any("photograph" in name for name in pictures(found))
    found.change(images__publish="patches").works("render")
    assert not any("photograph" in name for name in pictures(found))
    assert "-photograph.webp" not in page(found)
    found.works("build")  # now with what stands for them
    assert not any("photograph" in name for name in pictures(found))
    assert "are not published, so these pictures begin with noise" in page(found)
    assert "Photographs that excite it most" in page(found)  # patches are
    found.change(images__publish="none").works("render")
    assert "Photographs that excite it most" not in page(found)


# Settings.


@pytest.mark.parametrize(
    ("key", "value", "problem", "remedy"),
    [
        ("unit", "2", "'2' names no unit", 'Write layer:channel, "0:0" say'),
        ("unit", "8:1", "there is no layer '8'", "Known: 0, 2, 6"),
        ("unit", "2:6", "layer '2' has no channel 6", "It has channels 0 to 5"),
        ("second", "2:1", "is no other unit of the layer of a unit", 'unit = "2:0"'),
        ("class", 3, "the network has no class 3", "Give a number from 0 to 2"),
        ("class", "dog", "the network has no class 'dog'", "Give a number from 0 to 2"),
        ("image", "even/3.png", "there is no image 'even/3.png'", "Did you mean 'even/"),
        ("steps", 4, "'steps' is 4", "greater than or equal to 8"),
        ("size", 8, "'size' is 8", "greater than or equal to 16"),
        ("clas", 1, "unknown key 'clas'", "Did you mean 'class'?"),
    ],
)
def test_bad_settings_are_refused_at_once(
    tmp_path: Path, key: str, value: object, problem: str, remedy: str
) -> None:
    found = atlas_in(tmp_path).change(**{f"panels__objectives__{key}": value})
    said = found.fails("build")
    assert problem in said and remedy in said, said
    assert not list(found.work.glob("survey-*"))  # nothing was computed for it


def test_two_units_must_share_a_layer(tmp_path: Path) -> None:
    found = atlas_in(tmp_path)
    found.change(panels__objectives__unit="2:1", panels__objectives__second="0:1")
    assert "is no other unit of the layer of '2:1'" in found.fails("build")


def test_what_is_set_is_used(tmp_path: Path) -> None:
    found = atlas_in(tmp_path)
    settings = {"unit": "2:3", "second": "2:5", "class": 1, "image": "1.png", "size": 32}
    found.change(**{f"panels__objectives__{key}": value for key, value in settings.items()})
    found.works("build")
    document = notes(found)
    assert document["subject"] == {
        "unit": "2:3",
        "second": "2:5",
        "layer": "2",
        "class": "number 1",
    }
    assert document["demonstrations"]["logit"]["expressions"] == ["Logit(1)"]
    assert 'width="32"' in page(found)


# Odd networks.

HEAD = "import torch\nfrom torch import nn\n\n\ndef network():\n    torch.manual_seed(0)\n"
ODD = {
    "one vector": "    return nn.Sequential(nn.Flatten(), nn.Linear(768, 5)).eval()\n",
    "one unit": "    return nn.Conv2d(3, 1, 3).eval()\n",
    "native size only": (
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(),"
        " nn.Linear(784, 3)).eval()\n"
    ),
    "dead": (
        "    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU())\n"
        "    nn.init.constant_(layers[0].bias, -1e3)\n    return layers.eval()\n"
    ),
    "tokens": (
        "    class Tokens(nn.Module):\n"
        "        def __init__(self):\n"
        "            super().__init__()\n"
        "            self.patch = nn.Conv2d(3, 8, 4, 4)\n"
        "            self.up, self.head = nn.Linear(8, 12), nn.Linear(12, 3)\n"
        "            self.place = nn.Parameter(torch.randn(1, 16, 8))\n"
        "        def forward(self, x):\n"
        "            tokens = self.patch(x).flatten(2).transpose(1, 2) + self.place\n"
        "            return self.head(nn.functional.gelu(self.up(tokens)).mean(1))\n"
        "    return Tokens().eval()\n"
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_networks_have_a_page(tmp_path: Path, kind: str) -> None:
    found = atlas_in(tmp_path, HEAD + ODD[kind])
    found.works("build")
    text, document = page(found), notes(found)
    problems = {
        key: each["problem"]
        for key, each in document["demonstrations"].items()
        if "problem" in each
    }
    assert not problems
    assert ABSENT["class"] in text
    assert (ABSENT["second"].split(":")[0] in text) == (kind == "one unit")
    assert ("no positions" in text) == (kind == "one vector")


def test_a_size_at_which_the_network_does_not_run_is_an_error(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, HEAD + ODD["native size only"])
    said = found.change(panels__objectives__size=24).fails("build")
    assert "does not run on pictures of 24 px" in said and "size to 16" in said


def test_a_demonstration_that_fails_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(each: Demonstration) -> Demonstration:
        def make(context: Context) -> Any:
            raise {"joint": LamellaError, "blur": RuntimeError}[each.key]("the ink is dry")

        return replace(each, make=make) if each.key in {"joint", "blur"} else each

    monkeypatch.setattr(compute, "DEMONSTRATIONS", tuple(map(broken, DEMONSTRATIONS)))
    found = atlas_in(tmp_path)
    found.works("build")
    text = page(found)
    assert text.count("could not be made: the ink is dry.") == 2
    assert "“joint” could not be made" in text and "“blur” could not be made" in text
    assert {"problem"} <= notes(found)["demonstrations"]["joint"].keys()
    assert f"{entries()['joint'][0]}-plate.webp" not in pictures(found)
    found.works("build")  # and is not tried for ever


# Small parts.


def test_pictures_of_the_way_are_those_of_the_ascent(context: Context) -> None:
    """The state after n steps is that of the same ascent, whatever else is looked at."""
    specification = next(
        demonstration for demonstration in DEMONSTRATIONS if demonstration.key == "way"
    ).make(context)
    recorded = Recorded(specification.parameterization, range(16))

    def count(step: int) -> None:
        recorded.step = step

    made = optvis.ascend(
        specification.network, specification.expression.objective, size=16, seeds=[context.seed],
        settings=specification.settings, parameterization=recorded, before_step=count,
    )  # fmt: skip
    assert sorted(recorded.seen) == list(range(16))
    drawn = specification.parameterization.start([torch.Generator().manual_seed(context.seed)])
    assert torch.equal(recorded.seen[0], specification.parameterization(drawn))
    assert not torch.equal(recorded.seen[15], recorded.seen[14])
    assert made.images.shape == recorded.seen[15].shape


def test_the_class_may_be_called_by_its_name(built: Tiny) -> None:
    analysis = Analysis.of(built.config())
    network, manifest = analysis.atlas.network, analysis.images.manifest
    rest = {"unit": None, "second": None, "image": None}
    assert parsed(network, manifest, 3, output="bee", **rest).output == 1
    assert parsed(network, manifest, 3, output="2", **rest).output == 2
    with pytest.raises(LamellaError, match="Did you mean 'bee'"):
        parsed(network, manifest, 3, output="beee", **rest)


def test_it_needs_nothing_that_is_made_later() -> None:
    assert set(Objectives.needs) == {"survey", "dataset_examples"} and Objectives.slow
