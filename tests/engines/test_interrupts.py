"""Ctrl-C ends the waiting for work that would not hear it; results and errors come through."""

import os
import signal
import threading
import time

import pytest

from lamella.engines.interrupts import interruptible


def test_results_and_errors_come_through() -> None:
    assert interruptible(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0)


def test_ctrl_c_ends_the_waiting() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    done = threading.Event()
    try:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            interruptible(lambda: done.wait(30))
        assert time.monotonic() - began < 20
    finally:
        done.set()
        signal.signal(signal.SIGINT, before)
