"""Files that a user names or that lie in a folder of theirs: opened only if they are files.

Flow: **files** -> config, images, and whatever reads a list, names or a table.
"""

from pathlib import Path


def refuse_special(path: Path) -> None:
    """Refuse what may never end when it is read: a pipe, a socket or a device, or a link to one.

    Raises:
        OSError: it is one of these.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError("it is a pipe, a socket or a device, not a file")


def text_of(path: Path) -> str:
    """The text of a file in UTF-8, with a mark of its byte order or without.

    Raises:
        OSError: it cannot be read, is no file, or holds NUL, as no text does.
        UnicodeDecodeError: it is no text in UTF-8.
    """
    refuse_special(path)
    text = path.read_text(encoding="utf-8-sig")
    if "\0" in text:
        raise OSError("it holds the character NUL, which no text does")
    return text
