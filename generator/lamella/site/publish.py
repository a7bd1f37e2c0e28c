"""Writing a site: only changed bytes, each file whole or not at all, strangers left alone.

Flow: pages -> **publish** -> the output folder. A site is written in groups, one per layer and a
few for the whole network. A group names a fingerprint of everything that its files depend on; where
that and the files are as they were, it is skipped. What we wrote is recorded in
`.lamella/manifest.json`: only that is ever replaced or deleted.
"""

import os
import stat
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from lamella.errors import Damaged, SiteError
from lamella.store.lock import Tell, locked
from lamella.store.record import HOME, MANIFEST, Group, Record, digest, groups_of, record_of
from lamella.store.writing import sync_disk, unwritable, write_atomically

SAVE_EVERY = 5.0  # seconds of writing that a kill may leave unrecorded

Note = dict[str, Any]
Write = Callable[[str, bytes], None]


class Site:
    """An output folder, open for writing: a context manager.

    Raises:
        SiteError: the folder is not ours, or cannot be written.
    """

    def __init__(self, out: Path, tell: Tell = lambda text: None) -> None:
        self.out, self._tell = out, tell
        self.written = self.deleted = self.unchanged = 0
        self._top = f"{out}/"
        self._home = out / HOME
        self._locked = ExitStack()
        self._folders: set[str] = set()
        self._done: set[str] = set()
        self._groups: dict[str, Group] = {}
        self._ours: set[str] = set()
        self._saved = 0.0
        self._trusting = self._begun = self._moved = False

    def check(self) -> None:
        """Refuse a folder that is not ours, before anything is written.

        Raises:
            SiteError: it holds something else, or cannot be read.
        """
        try:
            present = [path.name for path in self.out.iterdir()] if self.out.exists() else []
        except OSError as error:
            raise SiteError(f"{self.out} is not a folder that can be read.") from error
        if HOME not in present and present:
            raise SiteError(
                f"{self.out} holds something that is not an atlas, {sorted(present)[0]!r} say.",
                "Choose an empty or new folder as the output, or empty this one yourself.",
            )
        if self._home.is_symlink():
            raise _link(self._home)

    def __enter__(self) -> "Site":
        self.check()
        self._locked.enter_context(
            locked(self._home, "lamella", self._tell, what=self.out, error=SiteError)
        )
        try:
            self._groups, complete = self._open()
        except BaseException:
            self._locked.close()
            raise
        # After a kill, files of ours may be there that the manifest does not know.
        self._trusting = not complete
        self._ours = {path for group in self._groups.values() for path in group.files}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._locked:
            if kind is None:
                self._finish()
            elif self._begun:
                with suppress(SiteError):  # the disk is full: the first error says so
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
        if old and old.fingerprint == fingerprint and self._intact(old):
            self.unchanged += len(old.files)
            return old.note
        self._begin()
        before = old.files if old else {}
        # Interrupted, the group keeps the old files' records and gains those of the new ones.
        group = self._groups[name] = Group("", {}, dict(before))
        made: set[str] = set()

        def write(path: str, content: bytes) -> None:
            made.add(path)
            checksum = digest(content)
            known = before.get(path)
            if known is None or known[2] != checksum:
                known = len(content), -1, checksum
            ours = path in self._ours or self._trusting
            if ours and (found := self._as_recorded(path, known)):
                group.files[path] = found
                self.unchanged += 1
                return
            if not ours and os.path.lexists(self._top + path):
                raise SiteError(
                    f"{self.out / path} is in the way: lamella did not write it.",
                    "Move it elsewhere, or choose another output folder.",
                )
            group.files[path] = self._put(path, content, checksum)
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
        if not self._begun:
            self._save(complete=False)
            self._begun = True

    def _open(self) -> tuple[dict[str, Group], bool]:
        """The manifest of an earlier run, and whether that run came to its end."""
        try:
            return groups_of(self.out)
        except FileNotFoundError:
            return {}, False
        except Damaged as error:
            self._tell(f"{error.problem} Every file of the site is compared.")
            return {}, False

    def _as_recorded(self, path: str, record: Record) -> Record | None:
        """The record of a file that holds what its record says; None where it does not.

        A copied file has another time: its content tells.
        """
        size, changed, checksum = record
        self._check_folder(path)
        try:
            found = os.lstat(self._top + path)
            if found.st_size != size or not stat.S_ISREG(found.st_mode):
                return None
            if found.st_mtime_ns == changed:
                return record
            with open(self._top + path, "rb") as file:
                same = digest(file.read()) == checksum
        except OSError:
            return None
        self._moved |= same
        return (size, found.st_mtime_ns, checksum) if same else None

    def _intact(self, group: Group) -> bool:
        for path, record in group.files.items():
            found = self._as_recorded(path, record)
            if found is None:
                return False
            group.files[path] = found
        return True

    def _check_folder(self, path: str) -> None:
        """Refuse to go through a link: what lies behind it is not of this site."""
        inside = os.path.dirname(path)
        if inside not in self._folders:
            for parent in [*PurePosixPath(path).parents][:-1]:
                if (self.out / parent).is_symlink():
                    raise _link(self.out / parent)
            self._folders.add(inside)

    def _put(self, path: str, content: bytes, checksum: str = "", sync: bool = False) -> Record:
        """Write beside, then rename: a reader sees the old file or the new one."""
        self._check_folder(path)
        target, drafts = self.out / path, self._home
        made = write_atomically(target, content, drafts=drafts, error=SiteError, sync=sync)
        return made.st_size, made.st_mtime_ns, checksum

    def _finish(self) -> None:
        """Delete what we wrote once and do not write any more; record the rest."""
        kept = {p for name, g in self._groups.items() if name in self._done for p in g.files}
        gone = {
            path
            for name in list(self._groups)
            if name not in self._done
            for path in self._groups.pop(name).files
        }
        if gone or self._trusting or (self._moved and os.access(self._home, os.W_OK)):
            self._begin()
        if not self._begun:
            return
        sync_disk(self.out)  # all that is new, before anything old goes
        for path in sorted(gone - kept):
            self._check_folder(path)
            try:
                os.unlink(self._top + path)
                self.deleted += 1
            except FileNotFoundError:
                continue
            except OSError as error:
                raise unwritable(self.out / path, error, SiteError) from error
            for parent in PurePosixPath(path).parents:
                try:
                    (self.out / parent).rmdir()
                except OSError:  # something is left in it
                    break
        self._save(complete=True)

    def _save(self, *, complete: bool) -> None:
        self._put(MANIFEST, record_of(self._groups, complete=complete), sync=complete)
        self._saved = time.monotonic()


def _link(path: Path) -> SiteError:
    return SiteError(
        f"{path} is a link, and what it leads to is not part of the site.",
        "Delete the link, or choose another output folder.",
    )
