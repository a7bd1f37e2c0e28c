"""Ctrl-C works while compiled code runs, which would swallow it.

Flow: **interrupts** -> embedding, image_embeddings, activation_atlas. Python raises
KeyboardInterrupt in the main thread, wherever that is: inside a callback of a compiler, such as
numba's, it is printed and lost. So what compiles runs beside, and the main thread waits for it.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

WAIT = 0.1  # seconds between two checks, so that Ctrl-C works on every system


def interruptible(work: Callable[[], T]) -> T:
    """The result of some work, done in another thread; Ctrl-C ends the waiting for it.

    Raises:
        whatever the work raised.
    """
    found: list[T] = []
    wrong: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:  # raised again where somebody waits
            wrong.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(WAIT)
    if wrong:
        raise wrong[0]
    if not found:
        raise MemoryError("a worker ended without a result")
    return found[0]
