"""`lamella init`: a folder with everything that an atlas needs, to be changed step by step."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from lamella.commands.terminal import say
from lamella.errors import ConfigError
from lamella.store.writing import write_atomically

ATLAS = """\
# The definition of an atlas. Paths are relative to this file.
# Build it with:  lamella build atlas.toml

title = "Atlas of my network"
description = "Every channel of every layer."
authors = ["Your Name"]
licence = "CC-BY-4.0"            # of the atlas' own text and pictures
# credits = "credits.md"         # about the images, for the about page
# date = 2026                    # of publication, for citations
# site_url = "https://example.org/atlas"   # allows canonical addresses and a sitemap

[model]
name = "{name}"                  # part of every address: choose it once
source = "{source}"    # FILE.py:FUNCTION, or "torchvision:resnet18"
# weights = "weights.safetensors"  # or a state dict (.pt); for torchvision "DEFAULT" downloads
# classes = "classes.txt"        # names of the outputs, one a line

{preprocessing}
[images]
folder = "images"                # its subfolders and archives too; thousands are better
labels = "folder"                # or "file", or "none"
publish = "whole"                # or "patches", or "none" for private images
# limit = 1000

[analysis]
layers = ["*"]                   # names or globs; "!layer4.*" takes away
panels = [                       # names or globs; "!" takes away. Slow ones to be let in later:
    "*",
    "!objectives",               # 7 s here, on two cores: 53 pictures of one unit
    "!activation_atlas",         # 23 s: a picture for each cell of three grids
]
device = "auto"                  # cpu, cuda, cuda:1, mps
seed = 0

[panels.feature_visualization]
steps = 16                       # 64 is a preview, 512 a good picture

[output]
work = "work"                    # what was computed: keep it, and nothing is computed twice
site = "public"                  # what is published
"""

PREPROCESSING = """\
[model.preprocessing]            # what your network was trained with
resize = 128                     # shorter side, in pixels
size = 112                       # side of the square cut from the centre
channels = "{channels}"                 # "RGB", "BGR", or "L" for greys; 5 for files of five bands
scale = 1.0                      # what white is: 1 or 255
mean = {mean}
std = {std}
"""
FROM_LIBRARY = """\
# [model.preprocessing]          # comes with the network; set it to change it
"""

NETWORK = '''\
"""The network of the atlas. Change this to yours: any torch.nn.Module in eval mode will do."""

import torch
from torch import nn


def network() -> nn.Module:
    """A small untrained network, so that the first build takes a minute.

    Its pictures mean nothing. To see a trained one, set in atlas.toml
    source = "torchvision:resnet18", which downloads its weights.
    """
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d({planes}, 16, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(16, 24, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(24, 10),
    )
    return layers.eval()
'''


def start(folder: Path, source: str = "", channels: str = "RGB") -> None:
    """Write atlas.toml, network.py and a few images into a folder; never over a file.

    Args:
        source: of the network, as [model] source; without it a small one of one's own.
        channels: that this one takes, RGB or L.
    Raises:
        ConfigError: one of them is there already.
        StoreError: the folder cannot be written.
    """
    written = {"atlas.toml": atlas(source, channels)}
    if not source:
        planes = 1 if channels == "L" else 3
        written["network.py"] = NETWORK.replace("{planes}", str(planes))
    for name in written:
        if (folder / name).exists():
            raise ConfigError(
                f"{folder / name} exists and is left as it is.", "Name another folder."
            )
    images = folder / "images"
    if not images.exists():
        for name, content in sample_images():
            write_atomically(images / name, content)
    for name, text in reversed(written.items()):
        write_atomically(folder / name, text.encode())
    say(f"Wrote {folder}: {', '.join(written)} and images.")
    say(f"Build it:  lamella build {folder / 'atlas.toml'}")
    if source:
        say("Then put your own images into images.")
    else:
        say("Then put your own network into network.py, and your images into images.")


def atlas(source: str = "", channels: str = "RGB") -> str:
    """The text of an atlas.toml."""
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    if channels == "L":
        mean, std = [0.5], [0.5]
    own = PREPROCESSING.format(channels=channels, mean=mean, std=std)
    library = ":" in source and not source.partition(":")[0].endswith(".py")
    # TOML's strings are written as JSON's; the quotes are there already.
    named = json.dumps(source or "network.py:network")[1:-1]
    name = json.dumps(source.rpartition(":")[2])[1:-1] if library else "my-network"
    how = FROM_LIBRARY if library else own
    return ATLAS.format(name=name, source=named, preprocessing=how)


def sample_images() -> list[tuple[str, bytes]]:
    """Two dozen drawn stand-ins: gratings and checks in colour, as PNG."""
    random = np.random.default_rng(0)
    down, right = np.mgrid[0:128, 0:128] / 128.0
    found = []
    for number in range(24):
        turn, waves = random.uniform(0, np.pi), random.uniform(2, 12)
        wave = np.cos(2 * np.pi * waves * (right * np.cos(turn) + down * np.sin(turn)))
        kind = "checks" if number % 2 else "gratings"
        if kind == "checks":
            across = np.cos(2 * np.pi * waves * (down * np.cos(turn) - right * np.sin(turn)))
            wave = np.sign(wave * across)
        one, other = random.uniform(0, 1, (2, 3))
        shade = (wave[..., None] + 1) / 2
        pixels = (255 * (shade * one + (1 - shade) * other)).round().astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        found.append((f"{kind}/{number:02d}.png", buffer.getvalue()))
    return found
