"""All pictures of some layers: each unit once, the same bytes whoever is beside it, and no unit
that takes others with it."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from helpers.tiny import Tiny
from lamella.analyses.feature_visualization import campaign
from lamella.analyses.feature_visualization.batch import Batch, make_batch
from lamella.analyses.feature_visualization.campaign import Campaign, Candidate, Finished
from lamella.analyses.feature_visualization.recipe import ATTEMPTS, Recipe
from lamella.errors import LamellaError
from lamella.loading.load import load
from lamella.network.model import Model
from lamella.network.units import Unit

BATCH = 4
Todo = Sequence[tuple[str, Sequence[int]]]
ALL: Todo = (("0", range(4)), ("2", range(6)), ("6", range(3)))
UNITS = {(layer, channel) for layer, channels in ALL for channel in channels}
Surveys = Mapping[str, Mapping[str, object]]
Best = Callable[[Unit, int], Tensor | None]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other make a busy machine slow."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def model(tiny: Tiny) -> Model:
    return load(tiny.config(), torch.device("cpu"))


def finished(
    model: Model,
    todo: Todo = ALL,
    *,
    batches: MutableMapping[str, int] | None = None,
    places: int = 1,
    steps: int = 6,
    surveys: Surveys | None = None,
    seed: int = 0,
    best: Best = lambda unit, size: None,
    memory: float | None = None,
) -> list[Finished]:
    recipes = {
        name: Recipe.of(model, traced.layer, (surveys or {}).get(name, {}), steps=steps, size=32)
        for name, traced in model.traced.items()
    }
    if batches is None:
        batches = dict.fromkeys(recipes, BATCH)
    run = Campaign([model] * places, recipes, batches, seed=seed, best=best, memory=memory)
    return list(run.run(todo))


def pictures(parts: Sequence[Finished]) -> dict[tuple[str, int], Candidate]:
    """Every picture by its unit, each of which there is one of."""
    found: dict[tuple[str, int], Candidate] = {}
    for part in parts:
        for each in part.pictures:
            assert (part.layer, each.channel) not in found, "made twice"
            found[part.layer, each.channel] = each
    return found


def failed(parts: Sequence[Finished]) -> dict[tuple[str, int], str]:
    return {(part.layer, channel): part.problem for part in parts for channel in part.failed}


def content(each: Candidate) -> list[bytes]:
    """All that is stored of a picture."""
    made, measured, row = each.batch.made, each.batch.measured, each.row
    tensors = [getattr(made, name)[row] for name in ("images", "curve", "value", "step", "dead")]
    tensors += [
        getattr(measured, name)[row] for name in ("activation", "mean", "rank", "contrast", "beats")
    ]
    return [tensor.contiguous().numpy().tobytes() for tensor in tensors] + [bytes([each.tries])]


def contents(parts: Sequence[Finished]) -> dict[tuple[str, int], list[bytes]]:
    return {unit: content(each) for unit, each in pictures(parts).items()}


def activation(each: Candidate) -> float:
    return float(each.batch.measured.activation[each.row])


# Each unit once, with the same bytes


def test_every_unit_gets_exactly_one_picture(model: Model) -> None:
    parts = finished(model)
    assert pictures(parts).keys() == UNITS
    assert not failed(parts)
    for each in pictures(parts).values():
        assert each.tries == 1
        assert each.image.shape == (3, 32, 32)
        assert 0 <= each.image.min() < each.image.max() <= 1
        assert each.batch.made.value[each.row] > each.batch.made.curve[each.row, 0]
    for part in parts:
        channels = [each.channel for each in part.pictures]
        assert channels == sorted(channels)


def test_layers_finish_one_by_one(model: Model) -> None:
    layers = [part.layer for part in finished(model)]
    assert layers == sorted(layers, key=["0", "2", "6"].index)


@pytest.mark.parametrize("places", [2, 3])
def test_bytes_do_not_depend_on_how_many_work(model: Model, places: int) -> None:
    assert contents(finished(model, places=places)) == contents(finished(model))


@pytest.mark.parametrize("chance", range(4))
def test_bytes_do_not_depend_on_neighbours_or_order(model: Model, chance: int) -> None:
    whole = contents(finished(model))
    dice = random.Random(chance)
    todo = []
    for layer, channels in dice.sample(ALL, len(ALL)):
        some = dice.sample(channels, dice.randint(1, len(channels)))
        todo.append((layer, some))
    found = contents(finished(model, todo, places=dice.randint(1, 3)))
    assert found.keys() == {(layer, channel) for layer, some in todo for channel in some}
    assert found == {unit: whole[unit] for unit in found}


def test_later_attempts_are_the_same_bytes_too(model: Model) -> None:
    """No picture can beat these photographs, so all units go all the way."""
    surveys = {
        layer: {"maximum": np.full(len(channels), 1e9, np.float32)} for layer, channels in ALL
    }
    patches = torch.rand((13, 3, 32, 32), generator=torch.Generator().manual_seed(0))

    def best(unit: Unit, size: int) -> Tensor:
        return patches[unit.channel + 4 * (unit.layer != "0")]

    whole = contents(finished(model, surveys=surveys, best=best))
    assert whole.keys() == UNITS
    todo = [("2", [5, 0, 3]), ("0", [2]), ("6", [0, 2])]
    found = contents(finished(model, todo, surveys=surveys, best=best, places=2))
    assert found == {unit: whole[unit] for unit in found}


def test_another_seed_is_another_picture(model: Model) -> None:
    todo: Todo = [("2", [0, 1])]
    one, other = (contents(finished(model, todo, seed=seed)) for seed in (0, 1))
    assert all(one[unit][0] != other[unit][0] for unit in one)


# Units that fail


def broken(model: Model, layer: int, channel: int, what: str) -> Model:
    getattr(model.module[layer], what).data[channel] = float("nan")  # type: ignore[index]
    return model


def test_a_broken_unit_is_listed_and_the_others_are_unharmed(model: Model) -> None:
    model = broken(model, 6, 1, "bias")
    model = broken(model, 2, 4, "bias")
    model.module[2].weight.data[4] = 0  # type: ignore[index,union-attr]
    with_it = finished(model, [("0", range(4)), ("2", range(6))], places=2)
    assert failed(with_it).keys() == {("2", 4)}
    assert "not finite" in failed(with_it)["2", 4]
    without = finished(model, [("2", [0, 1, 2, 3, 5]), ("0", range(4))])
    assert not failed(without)
    assert contents(with_it) == contents(without)
    assert pictures(with_it).keys() == UNITS - {("2", 4)} - {("6", at) for at in range(3)}


def test_a_unit_that_breaks_on_the_way_is_listed(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fine at its first attempt, and not at the next: what was found first stays."""
    surveys = {"2": {"maximum": np.array([-1e9, -1e9, 1e9, -1e9, 1e9, -1e9], np.float32)}}
    first = contents(finished(model, [("2", range(6))]))
    weight = model.module[2].bias  # type: ignore[index]
    usual = campaign.make_batch

    def make_batch(*args: Any, attempt: int, **kwargs: Any) -> Batch:
        if attempt == 2:
            with torch.no_grad():
                weight[4] = float("nan")  # type: ignore[index,operator]
        return usual(*args, attempt=attempt, **kwargs)

    monkeypatch.setattr(campaign, "make_batch", make_batch)
    parts = finished(model, [("2", range(6))], surveys=surveys)
    assert pictures(parts).keys() == {("2", channel) for channel in range(6)}
    assert not failed(parts)
    assert contents(parts)["2", 4][0] == first["2", 4][0]


@pytest.mark.parametrize("places", [1, 2])
def test_a_layer_that_is_all_broken_is_listed(model: Model, places: int) -> None:
    """A weight that is none spoils every gradient of its layer, and all layers behind."""
    model = broken(model, 2, 4, "weight")
    parts = finished(model, places=places)
    assert failed(parts).keys() == UNITS - {("0", channel) for channel in range(4)}
    assert pictures(parts).keys() == {("0", channel) for channel in range(4)}


def test_a_layer_that_cannot_be_visualized_is_named(model: Model) -> None:
    usual = Recipe.of(model, model.traced["2"].layer, {}, steps=2, size=32)
    small = replace(usual, size=4)
    with pytest.raises(LamellaError, match="Layer '2' cannot be visualized") as caught:
        list(Campaign([model], {"2": small}, {"2": 2}, seed=0).run([("2", [0])]))
    assert '"!2"' in caught.value.remedy


# Memory


def running_out(
    monkeypatch: pytest.MonkeyPatch, largest: int, error: BaseException
) -> list[tuple[str, int, int]]:
    """Ascents run out of memory above a batch size; the layer, batch and attempt of each."""
    calls: list[tuple[str, int, int]] = []
    usual = campaign.make_batch

    def make_batch(model: Model, recipe: Recipe, *args: Any, batch: int, **kwargs: Any) -> Batch:
        calls.append((recipe.layer.name, batch, kwargs["attempt"]))
        if batch > largest:
            raise error
        return usual(model, recipe, *args, batch=batch, **kwargs)

    monkeypatch.setattr(campaign, "make_batch", make_batch)
    return calls


OUT = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    MemoryError(),
]


@pytest.mark.parametrize("places", [1, 3])
@pytest.mark.parametrize("error", OUT, ids=lambda error: type(error).__name__)
def test_out_of_memory_batches_halve(
    model: Model, monkeypatch: pytest.MonkeyPatch, error: BaseException, places: int
) -> None:
    expected = contents(finished(model, batches={"0": 2, "2": 2, "6": 2}))
    calls = running_out(monkeypatch, 2, error)
    batches = {"0": 8, "2": 5, "6": 2}
    parts = finished(model, batches=batches, places=places)
    assert batches == {"0": 2, "2": 2, "6": 2}
    assert contents(parts) == expected
    assert not failed(parts)
    tried = Counter((layer, batch) for layer, batch, _ in calls)
    assert tried["0", 8] == 1
    assert tried["0", 4] >= 1
    assert ("6", 4) not in tried


def test_tasks_in_the_queue_shrink_unseen(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made depends on the batch, so all that comes up later is made in the new one."""
    calls = running_out(monkeypatch, 1, OUT[0])
    batches = {"0": 2, "2": 2, "6": 2}
    parts = finished(model, [("2", range(6))], batches=batches)
    assert batches["2"] == 1
    assert [batch for _, batch, _ in calls] == [2, 1, 1, 1, 1, 1, 1]
    assert len(pictures(parts)) == 6


@pytest.mark.parametrize("places", [1, 2])
def test_one_picture_that_does_not_fit_is_an_error(
    model: Model, monkeypatch: pytest.MonkeyPatch, places: int
) -> None:
    running_out(monkeypatch, 0, OUT[0])
    with pytest.raises(LamellaError, match="Layer '2': one picture of 32 px does not") as caught:
        finished(model, [("2", range(6))], places=places)
    assert "size" in caught.value.remedy
    assert "--device cpu" in caught.value.remedy


def test_other_errors_are_not_taken_for_memory(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    running_out(monkeypatch, 0, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1"):
        finished(model, places=2)


def test_the_probe_is_asked_once_per_layer_and_never_for_those_known(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    usual = Campaign._probed

    def probed(self: Campaign, recipe: Recipe) -> int:
        asked.append(recipe.layer.name)
        return usual(self, recipe)

    monkeypatch.setattr(Campaign, "_probed", probed)
    batches = {"2": 3}
    finished(model, batches=batches, steps=1)
    assert asked == ["0", "6"]
    assert batches == {"0": 8, "2": 3, "6": 8}


def test_a_memory_limit_makes_small_batches(model: Model) -> None:
    batches: dict[str, int] = {}
    parts = finished(model, batches=batches, memory=1e-6, places=2, steps=1)
    assert batches == {"0": 1, "2": 1, "6": 1}
    assert pictures(parts).keys() == UNITS


# Weak units


def attempts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, tuple[int, ...], bool]]:
    """The attempt, channels and whether there were spectra, of every ascent."""
    calls: list[tuple[int, tuple[int, ...], bool]] = []
    usual = campaign.make_batch

    def make_batch(
        model: Model, recipe: Recipe, channels: Sequence[int], *args: Any, **kwargs: Any
    ) -> Batch:
        calls.append((kwargs["attempt"], tuple(channels), kwargs["spectra"] is not None))
        return usual(model, recipe, channels, *args, **kwargs)

    monkeypatch.setattr(campaign, "make_batch", make_batch)
    return calls


def test_a_dead_unit_is_said_to_be_dead(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = model.module[2]  # type: ignore[index]
    kernel.weight.data[3] = 0  # type: ignore[union-attr,index]
    kernel.bias.data[3] = -1  # type: ignore[union-attr,index]
    alive = contents(finished(model, [("2", [0, 1, 2, 4, 5])]))
    calls = attempts(monkeypatch)
    asked = []

    def best(unit: Unit, size: int) -> Tensor:
        asked.append((unit, size))
        return torch.rand((3, size, size), generator=torch.Generator().manual_seed(1))

    parts = finished(model, [("2", range(6))], best=best, places=2)
    dead = pictures(parts)["2", 3]
    assert bool(dead.batch.made.dead[dead.row])
    assert dead.tries == ATTEMPTS
    assert sorted(calls) == [
        (1, (0, 1, 2, 3), False),
        (1, (4, 5), False),
        (2, (3,), False),
        (3, (3,), False),
        (4, (3,), True),
    ]
    assert asked == [(Unit("2", 3), 32)]
    assert {u: c for u, c in contents(parts).items() if u != ("2", 3)} == alive


def test_without_photographs_the_last_attempt_starts_from_noise(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = model.module[0]  # type: ignore[index]
    kernel.weight.data[3] = 0  # type: ignore[union-attr,index]
    kernel.bias.data[3] = -1  # type: ignore[union-attr,index]
    calls = attempts(monkeypatch)
    parts = finished(model, [("0", [3])])
    assert [(attempt, spectra) for attempt, _, spectra in calls] == [
        (attempt, attempt == ATTEMPTS) for attempt in range(1, ATTEMPTS + 1)
    ]
    assert pictures(parts)["0", 3].tries == ATTEMPTS


def test_weak_units_improve(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a photograph beats the first attempt and not the second, the second stays."""
    todo: Todo = [("2", range(6))]
    first = pictures(finished(model, todo))
    recipe = Recipe.of(model, model.traced["2"].layer, {}, steps=6, size=32)
    seeds = [Unit("2", channel).seed(0) for channel in range(6)]
    again = make_batch(model, recipe, range(6), seeds, batch=8, attempt=2).measured.activation
    reached = torch.tensor([activation(first["2", channel]) for channel in range(6)])
    improved = {channel for channel in range(6) if again[channel] > reached[channel] + 1e-3}
    assert 0 < len(improved) < 6
    bar = reached - 1e-4
    bar[list(improved)] += 5e-4
    calls = attempts(monkeypatch)
    found = pictures(finished(model, todo, surveys={"2": {"maximum": bar.numpy()}}))
    assert [calls[-1][:2]] == [(2, tuple(sorted(improved)))]
    for channel in range(6):
        each = found["2", channel]
        assert each.tries == (2 if channel in improved else 1)
        assert activation(each) > bar[channel]
        assert torch.equal(each.image, first["2", channel].image) != (channel in improved)


def test_what_nothing_improves_keeps_its_first_picture(model: Model) -> None:
    first = pictures(finished(model, [("0", range(4))]))
    bar = np.full(4, 1e9, np.float32)
    found = pictures(finished(model, [("0", range(4))], surveys={"0": {"maximum": bar}}))
    for unit, each in found.items():
        assert each.tries == ATTEMPTS
        assert torch.equal(each.image, first[unit].image)


# Stopping


def test_whoever_stops_listening_ends_all_threads(model: Model) -> None:
    before = set(threading.enumerate())
    recipes = {
        name: Recipe.of(model, traced.layer, {}, steps=2000 if name == "2" else 2, size=32)
        for name, traced in model.traced.items()
    }
    run = Campaign([model] * 2, recipes, dict.fromkeys(recipes, 2), seed=0).run(ALL)
    assert next(run).layer == "0"
    run.close()
    assert not set(threading.enumerate()) - before
