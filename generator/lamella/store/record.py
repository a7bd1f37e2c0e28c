"""The record of a folder of pages: what was written there, with a checksum for each file.

Flow: publish -> **record** -> publish, check. The record carries a checksum of its own.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamella.errors import Damaged
from lamella.store.documents import opened, read, sealed

HOME = ".lamella"  # of the record, in the folder of pages
MANIFEST = f"{HOME}/manifest.json"
Record = tuple[int, int, str]  # size, mtime in nanoseconds, digest of the content


@dataclass(slots=True)
class Group:
    """Files that are written together, and what their maker wants to remember of them."""

    fingerprint: str
    note: dict[str, Any]
    files: dict[str, Record] = field(default_factory=dict)


def digest(content: bytes) -> str:
    """The checksum of a file."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()[:16]


def differences(out: Path) -> Iterator[Damaged | None]:
    """For each file of a folder of pages, None or what is wrong with it.

    Raises:
        FileNotFoundError: nothing was recorded of the folder.
        Damaged: the record cannot be trusted.
    """
    groups, _ = groups_of(out)
    for path, (size, _, checksum) in sorted(
        (path, record) for group in groups.values() for path, record in group.files.items()
    ):
        file = out / path
        try:
            same = not file.is_symlink() and file.stat().st_size == size
            same = same and digest(read(file)) == checksum
            yield None if same else Damaged(file, "its checksum does not fit")
        except FileNotFoundError:
            yield Damaged(file, "it is missing")
        except Damaged as error:  # the disk cannot read it
            yield error


def record_of(groups: dict[str, Group], *, complete: bool) -> bytes:
    """The record, ready to be written.

    Args:
        complete: whether the run came to its end.
    """
    plain = {
        name: {"fingerprint": group.fingerprint, "note": group.note, "files": group.files}
        for name, group in groups.items()
    }
    return sealed(MANIFEST, {"complete": complete, "groups": plain}, indent=None)


def groups_of(out: Path) -> tuple[dict[str, Group], bool]:
    """What a run wrote into a folder, and whether that run came to its end.

    Raises:
        FileNotFoundError: there is no manifest.
        Damaged: it cannot be trusted.
    """
    path = out / MANIFEST
    plain = opened(MANIFEST, read(path), path)
    try:
        groups = {
            name: Group(
                group["fingerprint"],
                group["note"],
                {
                    file: (size, at, checksum)
                    for file, (size, at, checksum) in group["files"].items()
                },
            )
            for name, group in plain["groups"].items()
        }
        complete = bool(plain["complete"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(path, "it is no record of a site") from error
    names = (file for group in groups.values() for file in group.files)
    if any(file.startswith("/") or ".." in file.split("/") for file in names):
        raise Damaged(path, "it names files outside of the site")
    return groups, complete
