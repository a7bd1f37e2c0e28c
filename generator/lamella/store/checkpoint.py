"""The state of a long pass over the images, from which a run goes on that was killed.

Flow: survey, analyses <-> **checkpoint** <-> the disk. A state that is damaged counts as none: the
pass begins anew.
"""

import hashlib
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load, save

from lamella.errors import Damaged
from lamella.store.documents import read
from lamella.store.store import Numbers
from lamella.store.writing import write_atomically


def save_state(path: Path, state: Numbers) -> None:
    """Store a state behind its checksum."""
    content = save(dict(state))
    write_atomically(path, hashlib.sha256(content).digest() + content)


def load_state(path: Path) -> Numbers | None:
    """The state that was stored; None where there is none, or it is damaged."""
    try:
        content = read(path)
    except (FileNotFoundError, Damaged):
        return None
    size = hashlib.sha256().digest_size
    if hashlib.sha256(content[size:]).digest() != content[:size]:
        return None
    try:
        found: Numbers = load(content[size:])
    except SafetensorError:  # of another version of lamella
        return None
    return found
