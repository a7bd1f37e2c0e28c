"""The whole way on a tiny network: resuming, restricting, what pictures depend on."""

import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.tiny import held
from lamella.analyses import known_panels
from lamella.analyses.feature_visualization import campaign
from lamella.analyses.feature_visualization.campaign import Campaign
from lamella.commands.progress import Progress
from lamella.engines import local
from lamella.errors import LamellaError, UnknownLayer
from lamella.network.units import Unit
from lamella.pipeline.pipeline import Analysis, Selection
from lamella.pipeline.plan import open_atlas
from lamella.store.store import Folder
from lamella.survey import run as survey_run
from lamella.survey.run import Pass

COMPUTED = [panel for panel in known_panels() if panel.per != "view"]
SETTINGS = {"steps": 3, "size": 32, "batch": 4}


@pytest.fixture
def full(tiny):
    """All panels, few steps."""
    return tiny.change(
        analysis__panels=["*"],
        panels__feature_visualization=SETTINGS,
        panels__objectives={"steps": 8},
    )


@pytest.fixture
def pictured(tiny):
    """Pictures alone."""
    return tiny.change(
        analysis__panels=["feature_visualization"], panels__feature_visualization=SETTINGS
    )


def analyse(tiny, **selection):
    steps = Analysis.of(tiny.config()).run(Selection(**selection), Progress())
    return [f"{step.panel}/{step.layer}" for step in steps]


def shards(work: Path, panel: str = "") -> dict[str, str]:
    """The digest of every file of numbers and pictures."""
    return {
        path.relative_to(work).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(work.rglob("*.safetensors"))
        if path.parents[1].name.startswith(panel)
    }


def test_everything_is_computed_once(full):
    first = analyse(full)
    assert first[0] == "survey/" and "embedding/" in first
    # The slow panels come last, layer by layer, so that pages can be written in between.
    names = [step.partition("/")[0] for step in first]
    slow = [p.name for p in COMPUTED if p.slow for _ in range(1 if p.per == "network" else 3)]
    assert names[-len(slow) :] == slow
    assert analyse(full) == []


def test_every_unit_has_everything(full):
    analyse(full)
    atlas = open_atlas(full.config())
    for facts in atlas.layers():
        for panel in ("survey", "feature_visualization", "dataset_examples", "weights"):
            assert facts.of(panel).present.all(), (facts.layer.name, panel)
        pictures = facts.of("feature_visualization").pictures
        assert len(pictures["picture"]) == len(pictures["thumb"]) == facts.layer.channels
    assert atlas.of_units("embedding").present.all()


def test_resumed_equals_uninterrupted_byte_for_byte(full, tmp_path, monkeypatch):
    analyse(full)
    whole = shards(full.work)
    again = full.change(output__work="again")
    for layer in ("2", "0", "6"):  # another order, in pieces, with neighbours missing
        analyse(again, layers=(layer,), channels=(1, 2))
    analyse(again)
    pictures, others = ({}, {})
    for store in (whole, shards(tmp_path / "again")):
        for name, digest in store.items():
            (pictures if name.startswith("feature") else others).setdefault(name, set()).add(digest)
    assert all(len(found) == 1 for found in others.values())
    one, other = (open_atlas(full.change(output__work=w).config()) for w in ("work", "again"))
    for a, b in zip(one.layers(), other.layers(), strict=True):
        left, right = a.of("feature_visualization"), b.of("feature_visualization")
        assert left.pictures == right.pictures
        for name in left.numbers:
            assert left[name].tobytes() == right[name].tobytes()


def pictures(tiny):
    """All that is stored of every unit's picture, but for which shard it lies in."""
    found = {}
    for facts in open_atlas(tiny.config()).layers():
        stored = facts.of("feature_visualization")
        assert stored.present.all(), facts.layer.name
        for channel in range(facts.layer.channels):
            found[facts.layer.name, channel] = [
                *(stored[name][channel].tobytes() for name in sorted(stored.numbers)),
                *(stored.pictures[name][channel] for name in sorted(stored.pictures)),
            ]
    return found


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("written", [1, 2, 4])
def test_killed_between_batches_ends_as_one_that_is_not(pictured, monkeypatch, workers, written):
    """However many work, and whatever was complete when somebody pressed Ctrl-C."""
    settings = SETTINGS | {"batch": 2}
    pictured.change(panels__feature_visualization=settings)
    monkeypatch.setattr(local, "places", lambda model: [model])
    assert analyse(pictured)[0] == "survey/"
    whole = pictures(pictured)
    again = pictured.change(output__work="again")
    monkeypatch.setattr(local, "places", lambda model: [model] * workers)
    write, done = Folder.write, []

    def killed(folder, shard):
        if "feature" in folder.path.parent.name:
            if len(done) == written:
                raise KeyboardInterrupt
            done.append(shard.channels)
        write(folder, shard)

    monkeypatch.setattr(Folder, "write", killed)
    threads = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        analyse(again)
    assert not set(threading.enumerate()) - threads
    monkeypatch.setattr(Folder, "write", write)
    left = [a.missing(panel, layer) for a, panel, layer in todo(again)]
    assert 0 < sum(map(len, left)) == len(whole) - sum(map(len, done))
    assert analyse(again)
    assert pictures(again) == whole
    assert analyse(again) == []


def todo(tiny):
    analysis = Analysis.of(tiny.config())
    panel = next(panel for panel, _ in analysis.panels if panel.name == "feature_visualization")
    return [(analysis, panel, layer) for layer in analysis.atlas.network.layers]


def recorded(tiny):
    """The batch sizes that are written down, by layer."""
    (file,) = tiny.work.glob("feature_visualization-*/batches.json")
    return held(file)


def test_batches_are_found_once_and_kept(pictured, monkeypatch):
    """A later run computes in the batches of the first, whatever would fit by then."""
    pictured.change(panels__feature_visualization={"steps": 3, "size": 32})
    asked = []

    def probe(number):
        def probed(campaign, recipe):
            asked.append(recipe.layer.name)
            return number

        return probed

    monkeypatch.setattr(Campaign, "_probed", probe(4))
    analyse(pictured)
    assert asked == ["0", "2", "6"]
    assert recorded(pictured) == {"0": 4, "2": 4, "6": 4}
    whole = pictures(pictured)
    again = pictured.change(output__work="again")
    again_work = pictured.folder / "again"
    analyse(again, layers=("2",), channels=(1, 4))
    monkeypatch.setattr(Campaign, "_probed", probe(8))
    asked.clear()
    analyse(again, layers=("2",))
    assert asked == []
    analyse(again)
    assert asked == ["0", "6"]
    (file,) = again_work.glob("feature_visualization-*/batches.json")
    assert held(file) == {"0": 8, "2": 4, "6": 8}
    found = pictures(again)
    assert {u: c for u, c in found.items() if u[0] == "2"} == {
        u: c for u, c in whole.items() if u[0] == "2"
    }


def test_batches_that_halve_are_recorded(pictured, monkeypatch):
    pictured.change(panels__feature_visualization={"steps": 3, "size": 32})
    usual = campaign.make_batch

    def make_batch(*args, batch, **kwargs):
        if batch > 2:
            raise torch.OutOfMemoryError("out of memory")
        return usual(*args, batch=batch, **kwargs)

    monkeypatch.setattr(campaign, "make_batch", make_batch)
    analyse(pictured)
    assert recorded(pictured) == {"0": 2, "2": 2, "6": 2}
    made = open_atlas(pictured.config()).layer(todo(pictured)[0][2]).of("feature_visualization")
    assert made.made["batch"] == 2


def test_a_unit_that_fails_is_listed_and_the_run_goes_on(pictured, monkeypatch):
    """What gives no numbers for a photograph is refused; here it is a made picture that does so."""
    usual = campaign.make_batch

    def make_batch(model, recipe, channels, *args, **kwargs):
        made = usual(model, recipe, channels, *args, **kwargs)
        if recipe.layer.name != "2" or 4 not in channels:
            return made
        return replace(made, failed=frozenset({list(channels).index(4)}), problem="Not finite.")

    monkeypatch.setattr(campaign, "make_batch", make_batch)
    analyse(pictured)
    assert analyse(pictured) == []
    facts = list(open_atlas(pictured.config()).layers())[1]
    stored = facts.of("feature_visualization")
    assert stored.present.all()
    assert stored["failed"].tolist() == [0, 0, 0, 0, 1, 0]
    assert 4 not in stored.pictures["picture"] and len(stored.pictures["picture"]) == 5


def test_an_interrupted_survey_goes_on(full, monkeypatch):
    monkeypatch.setattr(survey_run, "CHECKPOINT_SECONDS", 0.0)
    analysis = Analysis.of(full.config())
    layers, store = analysis.atlas.network.layers, analysis.atlas.store
    keys = {name: analysis.atlas.keys[name] for name in ("survey", "labels")}
    steps = survey_run.survey(analysis.model, analysis.images, layers, store, keys, batch=1)
    next(steps), next(steps)
    steps.close()  # killed behind the second image
    seen = []
    see = Pass.see
    monkeypatch.setattr(Pass, "see", lambda self, m, b: (seen.append(b.numbers), see(self, m, b)))
    list(survey_run.survey(analysis.model, analysis.images, layers, store, keys, batch=1))
    assert seen == [(2,)]
    fresh = {"survey": "e" * 64, "labels": "f" * 64}
    list(survey_run.survey(analysis.model, analysis.images, layers, store, fresh, batch=1))
    for layer in layers:
        for part, key in fresh.items():
            resumed = analysis.atlas.layer(layer).of(part).numbers
            _, tensors = next(store.folder(part, key, layer.name).shards())
            assert tensors.keys() == resumed.keys()
            for name, array in tensors.items():
                assert array.tobytes() == resumed[name].tobytes(), name


def test_other_labels_need_no_other_survey(full):
    analyse(full, panels=("statistics",))
    before = Analysis.of(full.config()).atlas
    folder = full.folder / "images"
    picture = next(path for path in sorted(folder.rglob("*.png")))
    (folder / "renamed").mkdir()
    picture.rename(folder / "renamed" / picture.name)
    assert analyse(full, panels=("statistics",)) == ["survey/"]
    after = open_atlas(full.config())
    assert after.keys["survey"] == before.keys["survey"]
    assert after.keys["labels"] != before.keys["labels"]
    assert "renamed" in after.manifest.labels
    for facts in after.layers():
        assert facts.of("labels")["label_mean"].shape[1] == len(after.manifest.labels)


def test_a_run_can_be_restricted(full):
    steps = analyse(full, layers=("0",), panels=("weights",), channels=(0, 2))
    assert steps == ["survey/", "weights/"]
    analysis = Analysis.of(full.config())
    panel = next(panel for panel, _ in analysis.panels if panel.name == "weights")
    first, second, _ = analysis.atlas.network.layers
    assert analysis.missing(panel, first) == [1, 3]
    assert len(analysis.missing(panel, second)) == second.channels


def test_new_images_leave_alone_what_never_saw_any(full, images):
    analyse(full)
    before = shards(full.work, "weights")
    (images / "odd" / "1.png").unlink()
    steps = analyse(full)
    assert "survey/" in steps and not any(step.startswith("weights") for step in steps)
    assert shards(full.work, "weights") == before
    # Pictures are told apart from their layer by how much its channels vary over the images.
    assert any(step.startswith("feature") for step in steps)


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"analysis__seed": 1}, {panel.name for panel in COMPUTED if panel.uses_seed}),
        ({"panels__weights": {"shown": 2}}, {"weights"}),
        (
            {"model__preprocessing__mean": [0.0, 0.0, 0.0]},
            {"survey", *(panel.name for panel in COMPUTED)},
        ),
    ],
)
def test_a_changed_setting_recomputes_what_depends_on_it(full, change, again):
    analyse(full)
    assert {step.partition("/")[0] for step in analyse(full.change(**change))} == again


def test_a_layer_that_overflows_is_named(full):
    network = full.folder / "network.py"
    network.write_text(
        network.read_text().replace(
            "return layers.eval()",
            "layers[2].weight.data[1] = 3e38\n    return layers.eval()",
        )
    )
    with pytest.raises(LamellaError, match="Layer '2' yields NaN") as caught:
        analyse(full)
    assert '"!2"' in caught.value.remedy
    analyse(full.change(analysis__layers=["0"]))  # the remedy works


def test_an_unknown_layer_is_named(full):
    with pytest.raises(UnknownLayer, match="layer '22'"):
        analyse(full, layers=("22",))


def test_a_broken_image_is_skipped_and_listed(full, images):
    (images / "broken.png").write_bytes((images / "even" / "0.png").read_bytes()[:60])
    analyse(full)
    manifest = open_atlas(full.config()).manifest
    assert [name for name, _ in manifest.skipped] == ["broken.png"]


def test_the_network_is_left_as_it_was(full):
    analysis = Analysis.of(full.config())
    module = analysis.model.module
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    image = torch.rand(1, 3, 16, 16)
    output = module(image)
    list(analysis.run(Selection(), Progress()))
    assert torch.equal(module(image), output) and not module.training
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert all(not part._forward_hooks for part in module.modules())


def test_a_seed_belongs_to_its_unit():
    assert Unit("a", 1).seed(0) == Unit("a", 1).seed(0)
    others = {Unit(n, c).seed(s) for s in (0, 1) for n in ("a", "b") for c in (1, 2)}
    assert len(others) == 8


def test_memory_does_not_grow_with_images(full):
    """The survey's whole state has the same size after one image and after many."""
    analysis = Analysis.of(full.config())
    state = Pass(analysis.atlas.network.layers, analysis.images)

    def size() -> int:
        return sum(
            array.nbytes
            for collectors in state.collectors.values()
            for collector in collectors
            for array in collector.state().values()
        )

    before = size()
    for batch in analysis.images.batches(1, skipped={}):
        state.see(analysis.model, batch)
    assert size() == before


def test_dark_units_are_told(full):
    """A unit that no image excites is said to be so, and its picture is not called dead for it."""
    network = full.folder / "network.py"
    network.write_text(
        network.read_text().replace(
            "return layers.eval()",
            "layers[0].bias.data[2] = -50.0\n    return layers.eval()",
        )
    )
    analyse(full)
    facts = next(open_atlas(full.config()).layers())
    assert [facts.silent(channel) for channel in range(4)] == [False, False, True, False]
    assert not np.isnan(facts.of("feature_visualization")["activation"]).any()


def test_a_network_of_one_size_is_visualized_at_it(full):
    """A linear layer behind a flattened map: pictures of another size would not fit."""
    (full.folder / "network.py").write_text(
        "import torch\n"
        "from torch import nn\n\n\n"
        "def network():\n"
        "    torch.manual_seed(0)\n"
        "    layers = nn.Sequential(\n"
        "        nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 49, 3)\n"
        "    )\n"
        "    return layers.eval()\n"
    )
    analyse(full.change(panels__feature_visualization={"steps": 2, "batch": 4}))
    _, head = open_atlas(full.config()).layers()
    assert head.of("feature_visualization").sheets["picture"].width == 16
    assert head.layer.sources[0].positions == 49


def test_another_architecture_has_other_keys(full):
    before = Analysis.of(full.config()).atlas.keys
    network = full.folder / "network.py"
    network.write_text(network.read_text().replace("nn.ReLU()", "nn.GELU()", 1))
    after = Analysis.of(full.config()).atlas.keys
    assert all(before[name] != after[name] for name in before)


BRANCHED = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.cut, self.odd = (nn.Conv2d(3 if at == 0 else 4, 4, 3) for at in range(3))
        self.other, self.last = nn.Conv2d(4, 4, 3), nn.Linear(4, 3)

    def forward(self, images):
        maps = self.one(images).relu()
        behind = self.cut(maps.detach()).relu()
        # Photographs of noise vary from pixel to pixel; what an ascent makes is smooth.
        rough = (images[..., 1:] - images[..., :-1]).abs().mean() > 0.3
        flat = not (images - images[..., :1, :1]).any()
        maps = self.odd(maps) if rough or flat else self.other(maps)
        return self.last((maps.relu() + behind).mean((2, 3)))


def network():
    return Net().eval()
"""


def test_a_layer_that_cannot_be_analysed_leaves_the_others(pictured):
    """One runs for photographs alone, one lets no gradient through."""
    (pictured.folder / "network.py").write_text(BRANCHED)
    said = pictured.fails("build")
    assert "One analysis could not run for some layers; all else is there" in said
    assert "feature_visualization, layer odd: The network took another path" in said
    assert "'odd.weight' is not what call 2 of 'conv2d' reads" in said
    assert 'layers = ["*", "!odd"]' in said
    facts = {each.layer.name: each for each in open_atlas(pictured.config()).layers()}
    made = {name: each.of("feature_visualization") for name, each in facts.items()}
    assert {name for name, own in made.items() if own.present.all()} == {"one", "cut", "last"}
    assert not made["odd"].present.any()
    assert made["cut"]["failed"].all() and not made["cut"].pictures.get("picture")
    assert "No gradient" in str(made["cut"].made)
    assert not made["one"]["failed"].any() and not made["last"]["failed"].any()
    assert pictured.fails("build") == said  # what was made stays
