"""The words that units may turn out to stand for: the user's table of concepts.

Flow: **concepts** -> scenes -> labels -> passes. The file is hostile input: what is wrong with it
is said with its line.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lamella.config.files import text_of
from lamella.errors import ConceptsError, said

COLUMNS = ("index", "name", "kind")
COLOUR = "colour"  # the kind of the concepts that are computed from pixels
LAST_INDEX = 65535  # of a mask of 16 bits


@dataclass(frozen=True, slots=True, order=True)
class Concept:
    """Something that can be seen in an image: its name, and what kind of thing that is."""

    name: str
    kind: str

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


def read_table(path: Path) -> Mapping[int, Concept]:
    """The concepts of a CSV file with the columns index, name and kind, by index.

    Raises:
        ConceptsError: it cannot be read, lacks a column, or a line makes no sense.
    """
    try:
        text = text_of(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConceptsError(
            f"Cannot read the table of concepts {path}: {said(error)}.",
            "It is a CSV file in UTF-8 with the columns index, name and kind.",
        ) from error
    lines = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    try:
        missing = [name for name in COLUMNS if name not in (lines.fieldnames or ())]
        if missing:
            raise ConceptsError(
                f"{path} has no column {missing[0]!r}.",
                f"Its first line should be: {','.join(COLUMNS)}",
            )
        found: dict[int, Concept] = {}
        for line in lines:
            index, concept = _concept(line, f"{path}, line {lines.line_num}")
            if index in found or concept in found.values():
                what = f"the index {index}" if index in found else f"{concept}"
                raise ConceptsError(
                    f"{path}, line {lines.line_num}: {what} was there before.",
                    "Each concept has one line and one index.",
                )
            found[index] = concept
    except csv.Error as error:
        raise ConceptsError(
            f"{path}, line {lines.line_num}: {said(error)}.", "It is a CSV file with commas."
        ) from error
    if not found:
        raise ConceptsError(f"{path} names no concept.", "Add one a line: 1,cat,object")
    return found


def _concept(line: Mapping[str, str | None], where: str) -> tuple[int, Concept]:
    """The index and the concept of one line."""
    index, name, kind = ((line[column] or "").strip() for column in COLUMNS)
    if not (index.isascii() and index.isdigit() and 1 <= int(index) <= LAST_INDEX):
        raise ConceptsError(
            f"{where}: the index is {index!r}.",
            f"It should be a whole number from 1 to {LAST_INDEX}; 0 is what has no label.",
        )
    if not (name and kind):
        raise ConceptsError(f"{where}: the {'kind' if name else 'name'} is empty.", "Fill it in.")
    if kind.casefold() in {COLOUR, "color"}:
        raise ConceptsError(
            f"{where}: the kind {kind!r} is taken.",
            "Colours are computed from the pixels; give yours another kind.",
        )
    return int(index), Concept(name, kind)
