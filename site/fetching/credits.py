"""SOURCES.md: whom the reader of the atlas has to thank.

Flow: shelf.py's ledger -> **credits.py** -> site/data/SOURCES.md -> the about page.
"""

from collections.abc import Iterable

from .bundle import PHOTOGRAPHS, Bundle

INTRODUCTION = """\
# Sources

The photographs and weights of this atlas come out of the packages named below. Licences, authors
and origins are given as the packages state them; where a package says nothing of a photograph,
that is said. Photographs were scaled and cropped for display.
"""


def credits(bundles: Iterable[Bundle]) -> str:
    """A section for each source, a line for each file of which something is known."""
    parts = [INTRODUCTION]
    for bundle in bundles:
        parts.append(f"\n## {bundle.source}\n")
        parts.append(f"Package {bundle.package} {bundle.version}. Licence: {bundle.licence}.")
        photographs = sum(file.is_photograph for file in bundle.files)
        parts.append(f"{photographs} photographs.\n" if photographs else listing(bundle))
        for file in bundle.files:
            known = [text for text in (file.author, file.licence, file.origin) if text]
            if known:
                parts.append(f"- {file.path.removeprefix(PHOTOGRAPHS)}: {'; '.join(known)}")
    return "\n".join(parts) + "\n"


def listing(bundle: Bundle) -> str:
    """The files of a bundle without photographs, those of one folder in a line of their own."""
    folders: dict[str, list[str]] = {}
    for file in bundle.files:
        folder, slash, name = file.path.rpartition("/")
        folders.setdefault(folder + slash, []).append(name)
    if list(folders) == [""]:
        return ", ".join(folders[""]) + ".\n"
    lines = (f"- {folder}: {', '.join(names)}" for folder, names in sorted(folders.items()))
    return "\n" + "\n".join(lines) + "\n"
