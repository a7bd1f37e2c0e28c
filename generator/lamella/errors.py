"""What can go wrong that a user can mend: the problem, then the remedy, in the user's words.

Every expected failure is a `LamellaError`; the command line prints it and exits with 1. Anything
else that escapes is a bug of ours and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class LamellaError(Exception):
    """A problem that the user can mend.

    Args:
        problem: what is wrong and where, one sentence.
        remedy: what to do about it, one sentence or more; may be empty.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem if not remedy else f"{problem}\n  {remedy}")
        self.problem = problem
        self.remedy = remedy


class ConfigError(LamellaError):
    """`atlas.toml` holds something that it should not, or lacks something that it should."""


class ModelError(LamellaError):
    """The network cannot be built, loaded or run."""


class UnknownLayer(LamellaError):
    """The network has no layer, or the layer no channel, of that name."""


class ImagesError(LamellaError):
    """There are no photographs to survey."""


class ConceptsError(LamellaError):
    """Labelled scenes, their masks or their table of concepts are not as they should be."""


class StoreError(LamellaError):
    """The work folder cannot be read or written. What was complete stays complete."""


class Damaged(StoreError):
    """A file of the work folder is not what was written there.

    Args:
        path: of the file.
        why: how that was noticed.
    """

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} is damaged: {why}.", "`lamella build` makes it again.")
        self.path, self.why = path, why


class SiteError(LamellaError):
    """The output folder cannot be written, or is not ours to write."""


def said(error: BaseException) -> str:
    """What an error says, in one line without its full stop."""
    strerror = getattr(error, "strerror", None)
    return ((strerror or str(error)).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def did_you_mean(wrong: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """A remedy that names what is near `wrong`; `otherwise` where nothing is.

    >>> did_you_mean("layer3.conv1", ["layer3.0.conv1", "layer3.1.conv1", "fc"])
    "Did you mean 'layer3.1.conv1' or 'layer3.0.conv1'?"
    """
    names = {name.casefold(): name for name in known}
    near = get_close_matches(wrong.casefold(), names, n=3, cutoff=0.6)
    if not near:
        return otherwise
    quoted = [f"'{names[name]}'" for name in near]
    listed = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    return f"Did you mean {listed}?"
