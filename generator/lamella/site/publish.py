"""Writing a site: only changed bytes, each file whole or not at all, strangers left alone.

Flow: pages -> **publish** -> the output folder. A site is written in groups, one per layer and a
few for the whole network. A group names a fingerprint of everything that its files depend on; where
that and the files are as they were, it is skipped. What we wrote is recorded in
`.lamella/manifest.json`: only that is ever replaced or deleted.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from lamella.errors import SiteError

FORMAT = 1
SAVE_EVERY = 5.0  # seconds of writing that a kill may leave unrecorded

Note = dict[str, Any]
Write = Callable[[str, bytes], None]
Record = tuple[int, int, str]  # size, mtime in nanoseconds, digest of the content


@dataclass(slots=True)
class Group:
    """Files that are written together, and what their maker wants to remember of them."""

    fingerprint: str
    note: Note
    files: dict[str, Record] = field(default_factory=dict)


class Site:
    """An output folder, open for writing: a context manager.

    Raises:
        SiteError: the folder is not ours, or cannot be written.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.written = self.deleted = self.unchanged = 0
        self._top = f"{out}/"
        self._home = out / ".lamella"
        self._draft = str(self._home / "draft")
        self._folders: set[str] = set()
        self._done: set[str] = set()
        self._groups, complete = self._open()
        # After a kill, files of ours may be there that the manifest does not know.
        self._trusting = not complete
        self._ours = {path for group in self._groups.values() for path in group.files}
        self._saved = 0.0
        self._begun = False

    def __enter__(self) -> "Site":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._finish()
        elif self._begun:
            with contextlib.suppress(SiteError):  # the disk is full: the first error says so
                self._save(complete=False)

    def group(self, name: str, fingerprint: str, make: Callable[[Write], Note]) -> Note:
        """Write a group of files, unless nothing that they depend on has changed.

        Args:
            make: calls `write(path, content)` for each file; returns what to remember.
        Returns:
            What `make` returned, now or when the group was written.
        """
        self._done.add(name)
        old = self._groups.get(name)
        if old and old.fingerprint == fingerprint and self._intact(old.files):
            self.unchanged += len(old.files)
            return old.note
        self._begin()
        before = old.files if old else {}
        # Interrupted, the group keeps the old files' records and gains those of the new ones.
        group = self._groups[name] = Group("", {}, dict(before))
        made: set[str] = set()

        def write(path: str, content: bytes) -> None:
            made.add(path)
            digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()[:16]
            known = before.get(path)
            if known and known[2] == digest and self._same(path, known):
                self.unchanged += 1
                return
            if path not in self._ours and not self._trusting and os.path.lexists(self._top + path):
                raise SiteError(
                    f"{self.out / path} is in the way: lamella did not write it.",
                    "Move it elsewhere, or choose another output folder.",
                )
            group.files[path] = self._put(path, content, digest)
            self.written += 1

        group.note = make(write)
        group.fingerprint = fingerprint
        if gone := {path: group.files.pop(path) for path in group.files.keys() - made}:
            self._groups.setdefault("", Group("", {})).files.update(gone)
        if time.monotonic() - self._saved > SAVE_EVERY:
            self._save(complete=False)
        return group.note

    @property
    def files(self) -> dict[str, Record]:
        """All files of the site."""
        every = (group.files for group in self._groups.values())
        return {path: record for files in every for path, record in files.items()}

    def _begin(self) -> None:
        """Before anything changes, note that a run has not come to its end."""
        if self._begun:
            return
        try:
            self._home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self._home, error) from error
        self._save(complete=False)
        self._begun = True

    def _open(self) -> tuple[dict[str, Group], bool]:
        """The manifest of an earlier run, and whether that run came to its end."""
        try:
            present = [path.name for path in self.out.iterdir()] if self.out.exists() else []
        except OSError as error:
            raise SiteError(f"{self.out} is not a folder that can be read.") from error
        path = self._home / "manifest.json"
        if ".lamella" not in present and present:
            raise SiteError(
                f"{self.out} holds something that is not an atlas, {sorted(present)[0]!r} say.",
                "Choose an empty or new folder as the output, or empty this one yourself.",
            )
        try:
            plain = json.loads(path.read_bytes())
            if plain["format"] != FORMAT:
                return {}, False
            groups = {
                name: Group(
                    group["fingerprint"],
                    group["note"],
                    {file: tuple(record) for file, record in group["files"].items()},
                )
                for name, group in plain["groups"].items()
            }
            names = (file for group in groups.values() for file in group.files)
            if any(file.startswith("/") or ".." in file.split("/") for file in names):
                return {}, False
            return groups, bool(plain["complete"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}, False  # absent or damaged: everything is written afresh

    def _same(self, path: str, record: Record) -> bool:
        try:
            found = os.stat(self._top + path)
        except OSError:
            return False
        return found.st_size == record[0] and found.st_mtime_ns == record[1]

    def _intact(self, files: dict[str, Record]) -> bool:
        return all(self._same(path, record) for path, record in files.items())

    def _put(self, path: str, content: bytes, digest: str) -> Record:
        """Write beside, then rename: a reader sees the old file or the new one."""
        target = self._top + path
        folder = os.path.dirname(target)
        try:
            if folder not in self._folders:
                os.makedirs(folder, exist_ok=True)
                self._folders.add(folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
            handle = os.open(self._draft, flags, 0o644)
            try:
                rest = memoryview(content)
                while rest:
                    rest = rest[os.write(handle, rest) :]
                made = os.fstat(handle)
            finally:
                os.close(handle)
            os.replace(self._draft, target)
        except OSError as error:
            raise _unwritable(Path(target), error) from error
        return made.st_size, made.st_mtime_ns, digest

    def _finish(self) -> None:
        """Delete what we wrote once and do not write any more; record the rest."""
        kept = {p for name, g in self._groups.items() if name in self._done for p in g.files}
        gone = {
            path
            for name in list(self._groups)
            if name not in self._done
            for path in self._groups.pop(name).files
        }
        if gone or self._trusting:
            self._begin()
        if not self._begun:
            return
        for path in sorted(gone - kept):
            try:
                os.unlink(self._top + path)
                self.deleted += 1
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _unwritable(self.out / path, error) from error
            for parent in PurePosixPath(path).parents:
                try:
                    (self.out / parent).rmdir()
                except OSError:  # something is left in it
                    break
        self._save(complete=True)

    def _save(self, *, complete: bool) -> None:
        groups = {
            name: {"fingerprint": group.fingerprint, "note": group.note, "files": group.files}
            for name, group in self._groups.items()
        }
        plain = {"format": FORMAT, "complete": complete, "groups": groups}
        content = json.dumps(plain, separators=(",", ":")).encode()
        self._put(".lamella/manifest.json", content, "")
        self._saved = time.monotonic()


def _unwritable(path: Path, error: OSError) -> SiteError:
    return SiteError(
        f"Cannot write {path}: {error.strerror or error}.",
        "What was complete stays complete: make room or allow writing there, then run the same "
        "command again.",
    )
