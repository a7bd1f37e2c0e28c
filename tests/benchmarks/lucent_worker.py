"""Renders with torch-lucent, inside its own environment: one JSON job a line in, one answer out.

Knows nothing of Lamella: it must not matter to Lucent who measures it. A job:

    {"network": "FILE.py:FUNCTION", "weights": "FILE.safetensors",
     "preprocessing": {"channels": "BGR", "scale": 255, "mean": [...], "std": [...]},
     "units": [["features.6.expand3x3", 12], ...], "threads": 2, "out": "FOLDER",
     "size": 96, "seen": 120, "steps": 64}

`size` of the picture, what the network is shown (`seen`) and `steps` may be null: Lucent's default.
The answer names one .npy file per unit, sRGB in [0, 1], `(row, column, 3)`, and its wall seconds.

Lucent is given its best chance: ReLUs are not in place, which would overwrite the convolutions'
hooked outputs and leave units behind them without a gradient; parameters are frozen, so that no
gradient of them is computed; and normalization is part of the model, where Lucent would apply
torchvision's.
"""

import contextlib
import importlib.util
import json
import sys
import time
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

WARM_STEPS = 4
_kept_alive = []


def mend_torchvision():
    """Let torchvision be imported beside a torch of another build; see lamella/sources.py."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _kept_alive.append(library)


class Normalised(nn.Module):
    """A network that takes sRGB in [0, 1]."""

    def __init__(self, network, preprocessing):
        super().__init__()
        self.network = network
        self.flipped = preprocessing["channels"] == "BGR"
        self.scale = preprocessing["scale"]
        for name in ("mean", "std"):
            values = torch.tensor(preprocessing[name]).reshape(1, 3, 1, 1)
            self.register_buffer(name, values)

    def forward(self, images):
        if self.flipped:
            images = images.flip(1)
        return self.network((self.scale * images - self.mean) / self.std)


@cache
def built(source, weights, preprocessing):
    """The network on the device that Lucent chooses; `preprocessing` is JSON."""
    from safetensors.torch import load_file

    file, _, function = source.rpartition(":")
    spec = importlib.util.spec_from_file_location("factory", file)
    factory = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(factory)
    network = getattr(factory, function)()
    network.load_state_dict(load_file(weights))
    for module in network.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    model = Normalised(network, json.loads(preprocessing)).requires_grad_(False).eval()
    return model.to("cuda:0" if torch.cuda.is_available() else "cpu")


def rendered(model, layer, channel, job, steps):
    """One picture by Lucent's `render_vis`, `(row, column, 3)`; only what the job asks is set."""
    from lucent.optvis import param, render

    chosen = {}
    if job["size"]:
        chosen["param_f"] = lambda: param.image(job["size"])
    if job["seen"]:
        chosen["fixed_image_size"] = job["seen"]
    if steps:
        chosen["thresholds"] = (steps,)
    # Lucent's names of modules; its objective is the mean over the map of that module's output.
    objective = f"network_{layer.replace('.', '_')}:{channel}"
    pictures = render.render_vis(
        model, objective, preprocess=False, progress=False, show_image=False, **chosen
    )
    return pictures[-1][0]


def answer(job):
    """Render a job's units one after the other, as Lucent does; the first is warmed up before."""
    torch.set_num_threads(job["threads"])
    model = built(job["network"], job["weights"], json.dumps(job["preprocessing"]))
    rendered(model, *job["units"][0], job, WARM_STEPS)
    files, seconds = [], []
    for number, (layer, channel) in enumerate(job["units"]):
        torch.manual_seed(channel)
        np.random.seed(channel)
        began = time.perf_counter()
        picture = rendered(model, layer, channel, job, job["steps"])
        seconds.append(time.perf_counter() - began)
        files.append(str(Path(job["out"]) / f"{number}.npy"))
        np.save(files[-1], picture)
    return {
        "files": files,
        "seconds": seconds,
        "threads": torch.get_num_threads(),
        "device": next(model.parameters()).device.type,
    }


def main():
    """Answer until the input ends. Whatever libraries print must not stand among the answers."""
    answers = sys.stdout
    warnings.filterwarnings("ignore")  # of an old kornia, at every call
    with contextlib.redirect_stdout(sys.stderr):
        mend_torchvision()
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
