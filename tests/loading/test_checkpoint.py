"""Weights as training loops leave them, read by the command line."""

from argparse import Namespace

import pytest
import torch
from torch import Tensor

from helpers.tiny import NETWORK, Tiny, network
from lamella.loading.load import load

CPU = torch.device("cpu")
State = dict[str, Tensor]


def weights(seed: int) -> State:
    torch.manual_seed(seed)
    return {key: torch.randn_like(value) for key, value in network().state_dict().items()}


def under(start: str, state: State) -> State:
    return {start + key: value for key, value in state.items()}


OWN, OTHER = weights(7), weights(8)
FOUND = {
    "_orig_mod.": under("_orig_mod.", OWN),
    "a compiled part": {key.replace("0.", "0._orig_mod."): value for key, value in OWN.items()},
    "module": under("module.", OWN),
    "both": under("_orig_mod.module.", OWN),
    "state_dict": {"epoch": 3, "state_dict": OWN, "best": torch.tensor(0.5)},
    "model": {"epoch": 3, "model": OWN, "optimizer": {"state": {0: {"step": torch.ones(1)}}}},
    "state_dict.net": {"state_dict": under("net.", OWN) | {"loss.weight": torch.ones(4)}},
    "of a usual name": {"state_dict_ema": OTHER, "state_dict": OWN},
    "module.n_averaged beside": under("module.", OWN) | {"n_averaged": torch.tensor(3)},
}


@pytest.mark.parametrize("case", FOUND)
def test_the_state_dict_is_found(tiny: Tiny, case: str) -> None:
    torch.save(FOUND[case], tiny.folder / "w.pt")
    model = load(tiny.change(model__weights="w.pt").config(), CPU)
    state = model.module.state_dict()
    assert all(torch.equal(state[key], value) for key, value in OWN.items())


def notes(tiny: Tiny, saved: object, **model: str) -> tuple[str, ...]:
    torch.save(saved, tiny.folder / "w.pt")
    tiny.change(model__weights="w.pt", **{f"model__{key}": value for key, value in model.items()})
    return load(tiny.config(), CPU).facts.notes


def test_where_it_lay_and_what_is_not_read_is_told(tiny: Tiny) -> None:
    assert notes(tiny, OWN) == ()
    (note,) = notes(tiny, FOUND["state_dict.net"])
    assert note == (
        "Its weights are those under 'state_dict.net' in w.pt; 1 other tensors in it are not read."
    )
    (note,) = notes(tiny, FOUND["of a usual name"])
    assert "under 'state_dict' in" in note and "'state_dict_ema' would fit too" in note
    assert note in tiny.run("layers", "--no-time").output


@pytest.mark.parametrize("key", ["state_dict_ema", "state_dict_ema."])
def test_a_key_chooses(tiny: Tiny, key: str) -> None:
    torch.save(FOUND["of a usual name"], tiny.folder / "w.pt")
    model = load(tiny.change(model__weights="w.pt", model__key=key).config(), CPU)
    assert torch.equal(model.module.state_dict()["6.bias"], OTHER["6.bias"])


def test_several_that_fit_are_not_guessed_among(tiny: Tiny) -> None:
    both = under("encoder_q.", OWN) | under("encoder_k.", OTHER)
    torch.save({"state_dict": both}, tiny.folder / "w.pt")
    tiny.change(model__weights="w.pt")
    message = tiny.fails("layers", "--no-time")
    assert "2 state dicts that fit: 'state_dict.encoder_q', 'state_dict.encoder_k'." in message
    assert '[model] key = "state_dict.encoder_q"' in message
    tiny.change(model__key="state_dict.encoder_k")
    assert torch.equal(load(tiny.config(), CPU).module.state_dict()["6.bias"], OTHER["6.bias"])


def test_a_key_that_is_not_there(tiny: Tiny) -> None:
    torch.save(FOUND["of a usual name"], tiny.folder / "w.pt")
    tiny.change(model__weights="w.pt", model__key="state_dict_em")
    message = tiny.fails("layers", "--no-time")
    assert "nothing in" in message and "Did you mean 'state_dict_ema' or 'state_dict'?" in message


def test_an_empty_file_is_told_as_what_it_lacks(tiny: Tiny) -> None:
    torch.save({}, tiny.folder / "w.pt")
    message = tiny.change(model__weights="w.pt").fails("layers", "--no-time")
    assert "does not fit Sequential: missing: 0.weight" in message and "key" not in message


@pytest.mark.parametrize("weights", ["", "DEFAULT"])
def test_a_key_without_a_file(tiny: Tiny, weights: str) -> None:
    source = "torchvision:squeezenet1_1" if weights else "network.py:network"
    tiny.change(model__source=source, model__weights=weights, model__key="model")
    assert "weights names none" in tiny.fails("layers", "--no-time")


def test_a_network_for_several_devices_takes_the_weights_of_one(tiny: Tiny) -> None:
    file = tiny.folder / "network.py"
    file.write_text(
        NETWORK.replace("return layers.eval()", "return nn.DataParallel(layers).eval()")
    )
    torch.save(OWN, tiny.folder / "w.pt")
    model = load(tiny.change(model__weights="w.pt").config(), CPU)
    assert torch.equal(model.module.state_dict()["module.6.bias"], OWN["6.bias"])


def test_objects_are_never_executed(tiny: Tiny) -> None:
    torch.save({"model": OWN, "args": Namespace(lr=0.1)}, tiny.folder / "w.pt")
    tiny.change(model__weights="w.pt")
    assert "argparse.Namespace, which is not executed" in tiny.fails("layers", "--no-time")


def test_a_checkpoint_within_itself_ends(tiny: Tiny) -> None:
    saved: dict[str, object] = {"epoch": 3}
    saved["again"] = saved
    torch.save(saved, tiny.folder / "w.pt")
    tiny.change(model__weights="w.pt")
    assert "does not fit Sequential" in tiny.fails("layers", "--no-time")
