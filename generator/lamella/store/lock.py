"""One writer at a time: a lock on a folder, which says who holds it.

Flow: commands, publish -> **lock** -> store, site. The lock is the system's: it goes with the
process that holds it, however that ends. Beside it lies who that is.
"""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lamella.errors import LamellaError, StoreError
from lamella.store.writing import HELD, remove_drafts, still_there, unwritable, write_atomically

LOCK, HOLDER = ".lock", ".locked-by.json"
Tell = Callable[[str], None]


@contextmanager
def locked(
    folder: Path,
    command: str,
    tell: Tell,
    *,
    what: Path | None = None,
    error: type[LamellaError] = StoreError,
) -> Iterator[None]:
    """Hold the lock of a folder, which is made; wait for it if somebody else does.

    What killed runs left half written in it is deleted. A folder that cannot be written is not
    locked: nothing can be written there.

    Args:
        command: what is done, for whoever waits.
        tell: is told for whom is waited, and that an earlier run was killed.
        what: what the lock is of, for the messages; the folder by default.
    Raises:
        error: the folder cannot be made; a run on another computer holds it, or was killed there.
    """
    if folder.is_dir() and not os.access(folder, os.W_OK):
        yield
        return
    holder, what = folder / HOLDER, what or folder
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0.3)  # after which it says who holds it
        except Timeout:
            tell(f"{what} is in use by {_told(holder)}. Waiting for it; Ctrl-C ends the waiting.")
            lock.acquire(poll_interval=0.2)
    except OSError as wrong:
        raise unwritable(folder / LOCK, wrong, error) from wrong
    try:
        _look_back(holder, what, tell, error)
        if drafts := remove_drafts(folder):
            tell(f"{drafts} half written files of killed runs were deleted.")
        mine = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "since": f"{datetime.now():%Y-%m-%d %H:%M:%S}",
            "command": command,
        }
        number = write_atomically(holder, json.dumps(mine).encode(), error=error).st_ino
        HELD[folder] = (holder, number)
        try:
            yield
            still_there(folder, error)
        except Exception:
            still_there(folder, error)  # where it is not, that is why
            raise
        finally:
            del HELD[folder]
            with suppress(OSError):
                if holder.stat().st_ino == number:
                    holder.unlink()
    finally:
        lock.release()


def _look_back(holder: Path, what: Path, tell: Tell, error: type[LamellaError]) -> None:
    """Tell of a run that did not come to its end; refuse where that may go on, on another computer.

    A disk that computers share does not always share the locks.
    """
    if not holder.exists():
        return
    if _read(holder).get("host") != socket.gethostname():
        raise error(
            f"{what} is in use on another computer, or was when that was killed: {_told(holder)}.",
            f"If that is over, delete {holder} and run the same command again.",
        )
    tell(f"{_told(holder)} was killed; what was complete in {what} stays complete.")


def _read(holder: Path) -> dict[str, Any]:
    """Who holds a lock; nothing where that cannot be read."""
    try:
        found = json.loads(holder.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _told(holder: Path) -> str:
    """Who holds a lock, in words."""
    who = _read(holder)
    if not who:
        return "another run"
    return "`{command}` (process {pid} on {host}, since {since})".format_map(
        {key: who.get(key, "?") for key in ("command", "pid", "host", "since")}
    )
