"""Damaged and invented files for everything that reads one: `make fuzz`, or `python fuzz.py 5000`.

Each reader is given good files, mutated at random. It may take what it gets or refuse it by an
error of ours; anything else is a fault, kept as a file and told with its traceback.
"""

import random
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from helpers.tiny import ATLAS, NETWORK, network, toml
from lamella.analyses.dissection.concepts import read_table
from lamella.analyses.dissection.scenes import opened
from lamella.analyses.sanity_checks.masks import read as read_mask
from lamella.commands.init import ATLAS as FIRST
from lamella.config.config import load
from lamella.config.preprocessing import Preprocessing
from lamella.errors import LamellaError
from lamella.images.decoding import SUFFIXES, BrokenImage, decode, upright_size
from lamella.images.listing import listed
from lamella.loading.class_names import class_names
from lamella.loading.weights import load_weights
from lamella.pipeline.plan import panels_of
from lamella.store.gathering import gather, sizes
from lamella.store.store import Shard, Sheet, Store

HOW = Preprocessing(resize=20, size=16)
PIECES = [
    *(b"\x00", b"\xff" * 4, b"\x7f\xff\xff\xff", b"-1", b"1e999", b"9" * 400, b"nan", b'"', b"\n"),
    *(b"[", b"{", b"]", b"}", b",", b"=", b"null", b"[[", b"\xed\xa0\x80", b"../", b"~x/", b"'''"),
    *(struct.pack("<Q", 2**40), struct.pack("<q", -1), b"\\u0000", b"\xe2\x80\xae", b"true"),
]


def mutated(content: bytes, draw: random.Random) -> bytes:
    """A file with one to eight changes: of bits, bytes, runs, or pieces that mean something."""
    found = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 4, 8))):
        at = draw.randrange(len(found) + 1)
        other = draw.randrange(len(found) + 1)
        first, last = min(at, other), min(max(at, other), min(at, other) + 64)
        match draw.randrange(6):
            case 0 if at < len(found):
                found[at] ^= 1 << draw.randrange(8)
            case 1 if at < len(found):
                found[at] = draw.randrange(256)
            case 2:
                del found[first:last]
            case 3:
                found[at:at] = found[first:last]
            case 4:
                del found[at:]
            case _:
                piece = draw.choice(PIECES)
                found[at : at + (len(piece) if draw.random() < 0.5 else 0)] = piece
    return bytes(found)


@dataclass(frozen=True)
class Reader:
    """What reads a file: the name that it has, good ones, and the reading."""

    name: str
    good: Sequence[bytes]
    read: Callable[[Path], object]


def readers(top: Path) -> dict[str, Reader]:
    """All that read files of strangers, each with a folder of its own."""
    folder = top / "atlas"
    (folder / "images").mkdir(parents=True)
    (folder / "network.py").write_text(NETWORK)
    own = folder / "atlas.toml"
    own.write_text(toml(ATLAS | {"model": ATLAS["model"] | {"classes": "classes.txt"}}))
    state = network().state_dict()
    torch.save({"state_dict": state, "epoch": 3}, top / "w.pt")
    torch.save(state, top / "legacy.pt", _use_new_zipfile_serialization=False)
    save_file(state, top / "w.safetensors")
    noise = np.random.default_rng(0).integers(0, 256, (24, 28, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    for suffix in SUFFIXES & {".jpg", ".png", ".webp", ".gif", ".bmp", ".tif", ".ppm", ".jp2"}:
        image.save(top / f"image{suffix}")
    for name, mask in (
        ("a.png", image.convert("L")),
        ("b.tif", image.convert("I")),
        ("c.gif", image),
    ):
        mask.save(top / f"mask-{name}")
    store = Store(folder / "work")
    shard = store.folder("weights", "0" * 64, "0")
    cells = {"kernels": [(top / "image.webp").read_bytes()] * 3}
    numbers = {"value": np.arange(6, dtype=np.float32).reshape(3, 2)}
    shard.write(Shard((0, 1, 2), numbers, cells, {"kernels": Sheet(28, 24)}, {"torch": "2"}))

    def config(path: Path) -> None:
        panels_of(load(path))

    def classes(path: Path) -> None:
        class_names(load(own), 3)

    def stored(path: Path) -> None:
        opened_again = Store(folder / "work").folder("weights", "0" * 64, "0")
        gather(opened_again, 3)
        sizes(opened_again)

    def mask(path: Path) -> None:
        opened(path).close()
        read_mask(path, HOW)

    def picture(path: Path) -> None:
        decode(path, HOW)

    every = {path.name: path.read_bytes() for path in top.iterdir() if path.is_file()}
    (note,) = (path for path in shard.path.glob("*.json"))
    tensors = note.with_suffix(".safetensors")
    images = [content for name, content in every.items() if name.startswith("image")]
    return {
        "configuration": Reader("x.toml", [FIRST.encode(), own.read_bytes()], config),
        "weights": Reader(
            "x.pt", [every["w.pt"], every["legacy.pt"]], lambda path: load_weights(network(), path)
        ),
        "safetensors": Reader(
            "x.safetensors", [every["w.safetensors"]], lambda path: load_weights(network(), path)
        ),
        "notes": Reader(str(note), [note.read_bytes()], stored),
        "shards": Reader(str(tensors), [tensors.read_bytes()], stored),
        "concepts": Reader(
            "concepts.csv", [b"index,name,kind\n1,cat,object\n2,red,colour\n"], read_table
        ),
        "labels": Reader(
            "list.csv",
            [b"path,label\na.png,left\nb.png,right\n", b"a.png\tleft\n"],
            lambda path: listed(path, folder / "images", SUFFIXES),
        ),
        "classes": Reader(str(folder / "classes.txt"), [b"ant\nbee\ncat\n"], classes),
        "masks": Reader("mask.png", [every[f"mask-{name}"] for name in ("a.png", "b.tif")], mask),
        "images": Reader("image.png", images, picture),
        "headers": Reader("image.png", images, upright_size),
    }


def fuzz(number: int, seed: int = 0, only: Sequence[str] = (), kept: Path | None = None) -> int:
    """Run each reader so many times; print what became of it; the number of faults."""
    faults = 0
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        top = Path(folder)
        for name, reader in readers(top).items():
            if only and name not in only:
                continue
            draw, path = random.Random(f"{seed} {name}"), top / reader.name
            before = path.read_bytes() if path.exists() else None
            taken = refused = wrong = 0
            began = time.monotonic()
            for _ in range(number):
                content = mutated(draw.choice(reader.good), draw)
                path.write_bytes(content)
                try:
                    reader.read(path)
                    taken += 1
                except (LamellaError, BrokenImage):
                    refused += 1
                except Exception:
                    wrong += 1
                    if kept is not None and wrong <= 3:
                        kept.mkdir(exist_ok=True)
                        (kept / f"{name}-{wrong}").write_bytes(content)
                        traceback.print_exc()
            if before is not None:
                path.write_bytes(before)
            faults += wrong
            print(
                f"{name}: {number} executions, {taken} taken, {refused} refused, {wrong} faults, "
                f"{time.monotonic() - began:.0f} s",
                flush=True,
            )
    return faults


if __name__ == "__main__":
    amount, *chosen = sys.argv[1:] or ["1000"]
    raise SystemExit(bool(fuzz(int(amount), only=chosen, kept=Path("fuzz-faults"))))
