"""The command `lamella`, and `python -m lamella`.

Flow: **main** -> cli. Whoever stops it while it still imports reads one line, no traceback: nothing
is in the middle of anything yet.
"""

import os
import signal
from types import FrameType

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def _stop(number: int, frame: FrameType | None) -> None:
    os.write(2, b"\nStopped.\n")
    os._exit(128 + number)


def main() -> None:
    """Listen, then import and run the command line."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _stop)
    from lamella.cli import main as commands

    commands()


if __name__ == "__main__":
    main()
