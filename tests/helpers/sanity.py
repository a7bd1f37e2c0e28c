"""A small atlas whose attribution maps are tested."""

from html import unescape
from pathlib import Path
from typing import Any

from helpers.tiny import NETWORK, Tiny, write_images


def atlas_in(folder: Path, network: str = NETWORK, images: int = 4, **keys: Any) -> Tiny:
    folder.mkdir(parents=True, exist_ok=True)
    write_images(folder / "images", images)
    (folder / "network.py").write_text(network)
    (folder / "classes.txt").write_text("ant\nbee, honey bee\ncat\n")
    return Tiny(folder).change(
        analysis__panels=["sanity_checks"],
        model__classes="classes.txt",
        panels__sanity_checks__images=3,
        panels__sanity_checks__curves=2,
        panels__sanity_checks__steps=2,
        **keys,
    )


def page(found: Tiny, name: str) -> str:
    return unescape((found.folder / "public" / name).read_text("utf-8"))
