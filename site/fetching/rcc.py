"""Qt resource archives (.rcc): the files inside, by path.

Flow: fetch.py -> gcompris.py -> **rcc.py**. Pure: bytes in, bytes out.

An archive starts with `qres` and big-endian offsets of three tables. The tree holds one
node of 22 bytes (14 before version 2) per folder or file; names are UTF-16; data is a length
and the bytes, deflated where the node says so. The archive is not trusted: every offset,
length, name and size is checked, and nothing here touches the disk.

Source: qtbase, src/corelib/io/qresource.cpp and src/tools/rcc/rcc.cpp.
"""

import struct
import zlib
from dataclasses import dataclass

MAX_NODES = 65_536
MAX_NAME = 255
MAX_FILE = 32 * 2**20  # bytes, inflated; the largest photograph here has 0.6 MB

COMPRESSED, FOLDER, ZSTANDARD = 1, 2, 4  # node flags
FORBIDDEN = frozenset('/\\:*?"<>|')  # a separator or a drive letter somewhere


class RccError(ValueError):
    """The bytes are not a resource archive that can be trusted."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One file as it lies in the archive; inflated only when read."""

    flags: int
    blob: memoryview

    def read(self) -> bytes:
        """The file's bytes.

        Raises:
            RccError: compressed in an unknown way, broken, or larger than MAX_FILE.
        """
        if self.flags & ZSTANDARD:
            raise RccError("compressed with Zstandard, which is not supported")
        if not self.flags & COMPRESSED:
            if len(self.blob) > MAX_FILE:
                raise RccError(f"a file of {len(self.blob)} bytes")
            return bytes(self.blob)
        (length,) = _unpack(">I", self.blob, 0)
        if length > MAX_FILE:
            raise RccError(f"a file of {length} bytes")
        inflater = zlib.decompressobj()
        try:
            content = inflater.decompress(self.blob[4:], length + 1)  # one more shows a lie
        except zlib.error as error:
            raise RccError(f"broken compressed data ({error})") from None
        if len(content) != length or not inflater.eof:
            raise RccError("compressed data of another length than announced")
        return content


def read(archive: bytes) -> dict[str, Stored]:
    """The files of an archive, by path: `gcompris/src/activities/.../fish1.webp`.

    Paths are relative, with forward slashes, without `.` and `..`. Where the same path
    occurs for several languages, the first counts.

    Raises:
        RccError: not an archive, truncated, or with a name that could leave its folder.
    """
    view = memoryview(archive)
    if archive[:4] != b"qres":
        raise RccError("no Qt resource archive: it does not start with 'qres'")
    version, tree, data, names = _unpack(">IIII", view, 4)
    if not 1 <= version <= 3:
        raise RccError(f"format version {version} is unknown")
    node_size = 22 if version >= 2 else 14

    files: dict[str, Stored] = {}
    seen = {0}
    pending = [(0, "")]
    while pending:
        node, parent = pending.pop()
        offset = tree + node * node_size
        name_offset, flags = _unpack(">IH", view, offset)
        path = "" if node == 0 else parent + _name(view, names + name_offset)
        if flags & FOLDER:
            count, first = _unpack(">II", view, offset + 6)
            if first + count > MAX_NODES:
                raise RccError(f"more than {MAX_NODES} entries")
            children = range(first, first + count)
            if not seen.isdisjoint(children):  # or a loop would never end
                raise RccError("a folder that holds itself or another folder's files")
            seen.update(children)
            pending += [(child, path + "/" if path else "") for child in children]
        else:
            (data_offset,) = _unpack(">I", view, offset + 10)
            files.setdefault(path, Stored(flags, _blob(view, data + data_offset)))
    return files


def _unpack(layout: str, view: memoryview, offset: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, view, offset)
    except struct.error:
        raise RccError("truncated: an entry lies behind the end of the file") from None


def _name(view: memoryview, offset: int) -> str:
    """A name: 16-bit length, 32-bit hash (of no use here), UTF-16."""
    (length,) = _unpack(">H", view, offset)
    raw = bytes(view[offset + 6 : offset + 6 + 2 * length])
    if length > MAX_NAME or len(raw) != 2 * length:
        raise RccError("truncated: a name lies behind the end of the file")
    try:
        name = raw.decode("utf-16-be")
    except UnicodeDecodeError:
        raise RccError("a name that is not UTF-16") from None
    if name in ("", ".", "..") or not name.isprintable() or FORBIDDEN & set(name):
        raise RccError(f"the file name {name!r} is not safe")
    return name


def _blob(view: memoryview, offset: int) -> memoryview:
    (length,) = _unpack(">I", view, offset)
    blob = view[offset + 4 : offset + 4 + length]
    if len(blob) != length:
        raise RccError("truncated: a file's data lies behind the end of the archive")
    return blob
