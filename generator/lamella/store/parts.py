"""What belongs to an analysis of the whole network: noted before it is written.

Flow: pipeline -> **parts** -> store. Such an analysis may store entries and documents beyond those
that it is asked for. What was noted and is not there any more was lost, and is not passed over in
silence.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from lamella.errors import StoreError, said
from lamella.store.store import Store, document, results

NAME = "parts"


@dataclass
class Parts:
    """The files of an analysis of the whole network, by their names in its folder.

    Attributes:
        names: of those that were written.
        begun: of the one that is being written; "" for none. A kill may have kept it away.
    """

    store: Store
    panel: str
    key: str
    names: list[str] = field(default_factory=list)
    begun: str = ""

    def __post_init__(self) -> None:
        plain = self.store.read_json(document(self.panel, self.key, NAME)) or {}
        self.names, self.begun = plain.get("names", []), plain.get("begun", "")

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self.store.root / results(self.panel, self.key)

    def begin(self, name: str) -> None:
        """Note a file that is written next; "" where all are there."""
        if self.begun and self.begun not in self.names and (self.folder / self.begun).exists():
            self.names.append(self.begun)
        if name != self.begun and (name == "" or name not in self.names):
            self.begun = name
            plain = {"names": self.names, "begun": self.begun}
            self.store.write_json(document(self.panel, self.key, NAME), plain)

    def lost(self) -> list[Path]:
        """What was written and is not there; the list itself, where only that is not."""
        if not self.names and not self.begun:
            there = any(self.folder.glob("network/[!.]*.json"))
            return [self.store.root / document(self.panel, self.key, NAME)] if there else []
        return [path for name in self.names if not (path := self.folder / name).exists()]

    def discard(self) -> None:
        """Delete all of the analysis: it is made anew.

        Raises:
            StoreError: it cannot be deleted.
        """
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise StoreError(
                f"Cannot delete {self.folder}: {said(error)}.", "Delete it yourself, or allow it."
            ) from error
        self.names, self.begun = [], ""
