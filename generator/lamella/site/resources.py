"""Where templates and assets lie: inside the installed package, or at the top of a checkout.

Flow: **resources** -> templating, drawing, pages. A wheel carries both folders inside the package;
in a checkout they stay at the top, where an editable install finds them.
"""

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from lamella.errors import SiteError

PACKAGE = Path(__file__).parents[1]


@cache
def folder(name: str) -> Path:
    """The folder `templates` or `assets`.

    Raises:
        SiteError: the installation lacks it.
    """
    for candidate in (PACKAGE / name, PACKAGE.parents[1] / name):
        if candidate.is_dir():
            return candidate
    raise SiteError(f"This installation of lamella lacks its {name}.", "Install it again.")


def assets() -> dict[str, bytes]:
    """What every site carries under `assets/`: the style sheet, scripts, licences, by name."""
    top = folder("assets")
    styles = b"\n".join(path.read_bytes() for path in sorted((top / "css").rglob("*.css")))
    files = {path.name: path.read_bytes() for path in sorted((top / "public").iterdir())}
    return {**files, "site.css": styles}


def code_digest(classes: Iterable[type]) -> str:
    """SHA-256 of all that turns facts into bytes: templates, this package, others' panels."""
    found = [
        (path.relative_to(top).as_posix(), path)
        for top, pattern in ((folder("templates"), "*.j2"), (PACKAGE, "*.py"))
        for path in sorted(top.rglob(pattern))
    ]
    modules = {kind.__module__ for kind in classes}
    files = (getattr(sys.modules.get(name), "__file__", None) for name in sorted(modules))
    found += [(Path(file).name, Path(file)) for file in files if file]
    digest = hashlib.sha256()
    for name, path in found:
        content = path.read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
