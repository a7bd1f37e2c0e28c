"""Images and labels from a list: a text or CSV file, one image a line.

Flow: config -> **listing** -> finding.
"""

import csv
from pathlib import Path

from lamella.config.files import text_of
from lamella.errors import ImagesError, said

HEADS = frozenset(["path", "file", "filename", "file_name", "image", "image_path", "name", "img"])


def listed(path: Path, folder: Path, suffixes: frozenset[str]) -> dict[Path, str]:
    """The images that a list names, with their labels, "" for none.

    A line holds a path in the folder and, behind a comma, semicolon or tab, perhaps a label; what
    comes after counts for nothing. Empty lines, lines that begin with # and a head are left out.

    Args:
        path: of the list.
        folder: where its images are.
        suffixes: of what is an image.
    Raises:
        ImagesError: it cannot be read, names nothing, or names what is no image of the folder.
    """
    rule = "Each line is a path in [images] folder and perhaps, behind a comma, a label."
    try:
        lines = text_of(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ImagesError(f"[images] list: cannot read {path}: {said(error)}.", rule) from error
    found: dict[Path, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        mark = next((mark for mark in "\t;," if mark in line), ",")
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=mark))]
        if not found and cells[0].lower() in HEADS:
            continue
        image = folder / cells[0]
        try:
            outside = not image.resolve().is_relative_to(folder.resolve())
        except (OSError, RuntimeError):  # a name too long, links in a circle
            outside = True
        if outside or image.suffix.lower() not in suffixes:
            why = f"does not lie in {folder}" if outside else "has no suffix of an image"
            raise ImagesError(f"[images] list: {path}, line {number}: {cells[0]!r} {why}.", rule)
        found[image] = cells[1] if len(cells) > 1 else ""
    if not found:
        raise ImagesError(f"[images] list: {path} names no image.", rule)
    return found
