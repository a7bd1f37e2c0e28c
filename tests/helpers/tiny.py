"""A tiny network, a few images, an atlas.toml that names both, and the command line over them."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner, Result
from PIL import Image
from torch import nn

import lamella
from lamella.cli import main
from lamella.config.config import Config, load
from lamella.pipeline.plan import open_atlas
from lamella.store.gathering import PanelFacts, gather
from lamella.store.store import Store

# This package, for a process of its own.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(lamella.__file__).parents[1])}

NETWORK = """\
import torch
from torch import nn


def network():
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2),
        nn.ReLU(),
        nn.Conv2d(4, 6, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    )
    return layers.eval()
"""


def held(path: Path) -> Any:
    """What a document of the store holds."""
    return json.loads(path.read_text(encoding="utf-8"))["holds"]


def network() -> nn.Sequential:
    """The network of `NETWORK`, built here."""
    namespace: dict[str, Any] = {}
    exec(NETWORK, namespace)
    return namespace["network"]()


ATLAS: dict[str, Any] = {
    "title": "Tiny",
    "model": {
        "name": "tiny",
        "source": "network.py:network",
        "preprocessing": {"resize": 20, "size": 16},
    },
    "images": {"folder": "images"},
    "analysis": {"panels": ["statistics", "weights", "dataset_examples"], "device": "cpu"},
}


def toml(tree: Mapping[str, Any], path: str = "") -> str:
    """Plain values as TOML: its strings, numbers and lists are written as JSON's."""
    inner = {key: value for key, value in tree.items() if isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in tree.items() if key not in inner]
    if path and (lines or not inner):
        lines.insert(0, f"[{path}]")
    lines += [toml(value, f"{path}.{key}" if path else key) for key, value in inner.items()]
    return "\n".join(lines) + "\n"


def write_images(folder: Path, number: int = 3) -> Path:
    """Small images of noise, half of them in a subfolder `odd`."""
    random = np.random.default_rng(0)
    for at in range(number):
        path = folder / ("odd" if at % 2 else "even") / f"{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (24, 28, 3), dtype=np.uint8)).save(path)
    return folder


def png(seed: int = 0) -> bytes:
    """The file of a small image of noise."""
    buffer = io.BytesIO()
    random = np.random.default_rng(seed)
    Image.fromarray(random.integers(0, 256, (24, 28, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Tiny:
    """A folder with an atlas.toml, its network and its images, and the command line over it."""

    folder: Path
    tree: dict[str, Any] = field(default_factory=lambda: deepcopy(ATLAS))

    @property
    def file(self) -> Path:
        return self.folder / "atlas.toml"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def change(self, **keys: Any) -> "Tiny":
        """Set keys, with __ for the dot, and write the file again; None takes a key away."""
        for path, value in keys.items():
            *sections, key = path.split("__")
            tree = self.tree
            for section in sections:
                tree = tree.setdefault(section, {})
            if value is None:
                del tree[key]
            else:
                tree[key] = value
        self.file.write_text(toml(self.tree), encoding="utf-8")
        return self

    def config(self) -> Config:
        return load(self.file)

    def run(self, command: str, *options: str, file: Path | None = None, **more: Any) -> Result:
        return CliRunner().invoke(main, [command, str(file or self.file), *options], **more)

    def works(self, command: str, *options: str, **more: Any) -> str:
        """What a command prints that is expected to work."""
        result = self.run(command, *options, **more)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    def as_if_stopped_before(self, *notes: Path) -> None:
        """Take away shards of an analysis of the whole network, as if they had never been made."""
        folder = notes[0].parents[1]
        parts, store = f"{folder.name}/parts.json", Store(self.work)
        for note in notes:
            note.unlink()
            note.with_suffix(".safetensors").unlink()
        gone = {f"network/{note.name}" for note in notes}
        names = [name for name in store.read_json(parts)["names"] if name not in gone]
        store.write_json(parts, {"names": names, "begun": ""})

    def stored(self, panel: str) -> PanelFacts:
        """All that is stored of an analysis of the whole network."""
        atlas = open_atlas(self.config())
        folder = atlas.store.folder(panel, atlas.keys[panel])
        return gather(folder, max(folder.done()) + 1)

    def fails(self, command: str, *options: str) -> str:
        """What a command says of a mistake of the user's: problem, remedy, no traceback."""
        return mistake(self.run(command, *options))

    def process(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        return process(command, str(self.file), *options)


def mistake(result: Result) -> str:
    """What was said of a mistake; it must have been said well."""
    assert result.exit_code == 1, (result.output, result.exception)
    assert isinstance(result.exception, SystemExit), result.exception
    _, error, said = result.stderr.partition("Error: ")
    assert error and "Traceback" not in said, result.stderr
    problem, _, remedy = said.partition("\n  ")
    assert problem.strip() and remedy.strip(), f"no remedy: {said}"
    return error + said


def process(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "lamella.cli", *arguments],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        **({"timeout": 60} | more),
    )


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command line in a process of its own, running; killed at the end if it still does.

    Ctrl-C reaches it even where the tests themselves run in the background, which has a shell
    ignore that signal for all that it starts.
    """
    running = subprocess.Popen(
        [sys.executable, "-u", "-m", "lamella.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with running:
        try:
            yield running
        finally:
            running.kill()
