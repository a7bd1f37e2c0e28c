"""`lamella pack`: a site as one zip, for reading offline and for an archive.

Flow: the record of what was published -> **pack**. The same site gives the same bytes: names are
sorted, times fixed, and nothing of this machine is written.
"""

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from lamella.errors import SiteError, StoreError, said
from lamella.store.documents import read
from lamella.store.record import MANIFEST, digest, groups_of

CHECKSUMS = "SHA256SUMS"  # as sha256sum -c reads it
REMEDY = "Run `lamella build CONFIG`, or `lamella render CONFIG`, to its end; then pack it."
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can state
STORED = (".webp", ".png", ".jpg")  # packed already


def packed(site: Path, out: Path) -> int:
    """Write a site as one zip; returns how many files it holds.

    Args:
        out: the zip, whose name without ending is the folder inside it.
    Raises:
        SiteError: the site is not complete.
        StoreError: its record is damaged, or the zip cannot be written.
    """
    top, sums = out.stem, []
    draft = out.with_name(f".{out.name}.draft")
    try:
        with zipfile.ZipFile(draft, "w") as archive:
            for name, content in _contents(site):
                sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
                _add(archive, f"{top}/{name}", content)
            _add(archive, f"{top}/{CHECKSUMS}", "".join(sums).encode())
        draft.replace(out)
    except OSError as error:
        raise StoreError(f"Cannot write {out}: {said(error)}.", "Name another file.") from error
    finally:
        draft.unlink(missing_ok=True)
    return len(sums)


def _contents(site: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a site, by name."""
    try:
        groups, complete = groups_of(site)
    except FileNotFoundError as error:
        raise SiteError(f"{site} is no rendered atlas: it holds no {MANIFEST}.", REMEDY) from error
    if not complete:
        raise SiteError(f"{site} is not complete: it is being written, or that stopped.", REMEDY)
    files = {name: record for group in groups.values() for name, record in group.files.items()}
    for name, (_, _, checksum) in sorted(files.items()):
        try:
            content = read(site / name)
        except FileNotFoundError as error:
            raise SiteError(f"{site} is not complete: {name} is missing.", REMEDY) from error
        if digest(content) != checksum:
            raise SiteError(f"{site / name} is not what was rendered.", REMEDY)
        yield name, content


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system = 3  # on every system, as Unix has it
    entry.external_attr = 0o100644 << 16
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content, compresslevel=6)
