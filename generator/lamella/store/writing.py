"""Files that are written whole or not at all, also where the power fails.

Flow: **writing** -> documents, store, publish. A file is written under a name of its own, synced
and renamed, and its folder is synced: after a power loss the old file is there or the new one, in
the order in which they were written. Who writes holds the folder's lock; see `lock`.
"""

import ctypes
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from lamella.errors import LamellaError, StoreError, said

DRAFT = ".draft-"  # how the names of files begin that are being written
# By each folder that this process has locked, what says so, and the number of that file.
HELD: dict[Path, tuple[Path, int]] = {}


def write_atomically(
    path: Path,
    content: bytes,
    *,
    drafts: Path | None = None,
    error: type[LamellaError] = StoreError,
    sync: bool = True,
) -> os.stat_result:
    """Write a file under its name only once all of it was written.

    Args:
        drafts: a folder on the same disk for the file until then; that of `path` by default.
        sync: whether to wait until the disk has it.
    Returns:
        The file's size and times.
    Raises:
        error: the disk is full or the folder cannot be written; the folder was locked by this
            process, and has gone since.
    """
    try:
        still_there(path, error)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=drafts or path.parent, prefix=DRAFT)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                if sync:
                    os.fsync(file.fileno())
                found = os.fstat(file.fileno())
            os.chmod(draft, 0o644)
            os.replace(draft, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise
        if sync:
            _sync_names(path.parent)
        return found
    except OSError as wrong:
        raise unwritable(path, wrong, error) from wrong


def unwritable(path: Path, wrong: OSError, error: type[LamellaError] = StoreError) -> LamellaError:
    """What is told where a file cannot be written."""
    return error(
        f"Cannot write {path}: {said(wrong)}.",
        "What was complete stays complete: make room or allow writing there, then run the same "
        "command again.",
    )


def remove_drafts(folder: Path) -> int:
    """Delete what killed runs left half written; how many files. The folder's lock is held."""
    drafts = list(folder.rglob(f"{DRAFT}*"))
    for draft in drafts:
        with suppress(OSError):  # not ours to delete: it harms nobody
            draft.unlink()
    return len(drafts)


def still_there(path: Path, error: type[LamellaError]) -> None:
    """Refuse to write into a locked folder that was deleted or replaced since."""
    for folder, (holder, number) in HELD.items():
        if path.is_relative_to(folder):
            with suppress(OSError):
                if holder.stat().st_ino == number:
                    continue
            raise error(
                f"{folder} was deleted or replaced while it was written.",
                "Nothing more was written there. Let nobody do that, then run the same command "
                "again.",
            )


def _sync_names(folder: Path) -> None:
    """Wait until the disk has the names in a folder."""
    if sys.platform == "win32":  # has no such thing
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_disk(folder: Path) -> None:
    """Wait until the disk of a folder has everything: quicker than file by file where these are
    many. Without it where the system has no such call."""
    if not sys.platform.startswith("linux"):
        getattr(os, "sync", lambda: None)()
        return
    with suppress(OSError, AttributeError):  # another C library
        handle = os.open(folder, os.O_RDONLY)
        try:
            ctypes.CDLL(None).syncfs(handle)
        finally:
            os.close(handle)
