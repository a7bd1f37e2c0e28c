"""Small documents: JSON that carries its own checksum and the number of the store's format.

Flow: writing -> **documents** -> store, publish. The checksum covers the document's name too, so
that one which lies under another's name is noticed.
"""

import errno
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from lamella.errors import Damaged, StoreError, said

FORMAT = 2  # of the store; part of every key, so that results of another are never read


def sealed(name: str, value: object, indent: int | None = 1) -> bytes:
    """A document, ready to be written.

    Args:
        name: what it is, wherever its folder lies.
        indent: spaces, for whoever looks into it; None for large ones.
    """
    return _framed(name, json.dumps(value, indent=indent).encode())


def _framed(name: str, body: bytes) -> bytes:
    digest = hashlib.sha256(name.encode(errors="surrogatepass") + b"\n" + body).hexdigest()
    return b'{"format": %d, "sha256": "%s", "holds":\n%s\n}\n' % (FORMAT, digest.encode(), body)


def opened(name: str, content: bytes, path: Path) -> Any:
    """What a document holds.

    Raises:
        Damaged: its checksum does not fit, or it is of another format.
    """
    body = content.partition(b"\n")[2].removesuffix(b"\n}\n")
    if content == _framed(name, body):
        return json.loads(body)
    told = re.match(rb'\{"format": (\d+),', content)
    if told and int(told[1]) != FORMAT:
        raise Damaged(path, f"it is of format {int(told[1])}, and this lamella reads {FORMAT}")
    if told is None and _is_json(content):
        raise Damaged(path, f"it is of an earlier format, and this lamella reads {FORMAT}")
    raise Damaged(path, "its checksum does not fit")


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def read(path: Path) -> bytes:
    """The bytes of a file of the store.

    Raises:
        FileNotFoundError: there is none.
        Damaged: the disk cannot read it any more.
        StoreError: it may not be read, or there are too few file handles.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(errno.ENOENT, "it is missing") from error
    except OSError as error:
        if error.errno == errno.EIO:
            raise Damaged(path, said(error)) from error
        raise StoreError(
            f"Cannot read {path}: {said(error)}.", "Allow reading it, then run the command again."
        ) from error


def read_document(name: str, path: Path) -> Any:
    """What a document holds; None where there is none."""
    try:
        return opened(name, read(path), path)
    except FileNotFoundError:
        return None
