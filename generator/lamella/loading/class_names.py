"""The names of a network's outputs, from the user's file.

Flow: config -> **class_names** -> load.
"""

from lamella.config.config import Config
from lamella.config.files import text_of
from lamella.errors import ModelError, said


def class_names(config: Config, outputs: int | None) -> tuple[str, ...]:
    """The names of the network's outputs, one a line; empty lines at the end do not count.

    Raises:
        ModelError: the file cannot be read, or its names are not as many as the outputs.
    """
    path = config.path(config.model.classes)
    rule = "It is a text file in UTF-8, one name a line, relative to the folder of atlas.toml."
    try:
        text = text_of(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"[model] classes: cannot read {path}: {said(error)}.", rule) from error
    names = [name.strip() for name in text.rstrip().split("\n")]
    empty = [at + 1 for at, name in enumerate(names) if not name]
    if empty:
        lines = ", ".join(map(str, empty[:5])) + (", ..." if len(empty) > 5 else "")
        raise ModelError(
            f"[model] classes: {path} has {len(empty)} empty lines among its names ({lines}).",
            "Each line names an output, in their order: delete them, or write what they are.",
        )
    if outputs is not None and len(names) != outputs:
        raise ModelError(
            f"[model] classes: {path} has {len(names)} names, and the network {outputs} outputs.",
            "Write one name for each output, in their order.",
        )
    return tuple(names)
