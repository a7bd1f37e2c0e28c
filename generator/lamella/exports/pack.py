"""`lamella pack`: a site as one zip, for reading offline and for an archive.

Flow: the record of what was published -> **pack**. The same site gives the same bytes: names are
sorted, times fixed, and nothing of this machine is written.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from lamella.errors import SiteError, StoreError, said

RECORD = ".lamella/manifest.json"  # in the site; what publish writes
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
        StoreError: the zip cannot be written.
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
        sizes, complete = _recorded(site)
    except FileNotFoundError as error:
        raise SiteError(f"{site} is no rendered atlas: it holds no {RECORD}.", REMEDY) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SiteError(f"{site / RECORD} cannot be read: {said(error)}.", REMEDY) from error
    if not complete:
        raise SiteError(f"{site} is not complete: it is being written, or that stopped.", REMEDY)
    for name, size in sorted(sizes.items()):
        try:
            content = (site / name).read_bytes()
        except OSError as error:
            raise SiteError(
                f"{site} is not complete: {name} cannot be read: {said(error)}.", REMEDY
            ) from error
        if len(content) != size:
            raise SiteError(f"{site / name} was changed since it was rendered.", REMEDY)
        yield name, content


def _recorded(site: Path) -> tuple[dict[str, int], bool]:
    """The size of each file that was rendered, by name, and whether that came to its end."""
    record = json.loads((site / RECORD).read_bytes())
    groups = record["groups"].values()
    sizes = {name: int(known[0]) for group in groups for name, known in group["files"].items()}
    for name in sizes:
        if name.startswith("/") or ".." in name.split("/"):
            raise ValueError(f"it names {name}")
    return sizes, bool(record["complete"])


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system = 3  # on every system, as Unix has it
    entry.external_attr = 0o100644 << 16
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content, compresslevel=6)
