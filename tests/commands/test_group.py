"""How all commands end: out of memory with a word, and never by waiting for ever."""

import os
import signal
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from helpers.forked import ended, forked
from helpers.tiny import Tiny
from lamella.cli import main
from lamella.commands import serve


def starved(number: int) -> None:
    """Let the `number`-th thread of the process begin without memory."""
    real, seen = threading.Thread._bootstrap_inner, 0  # type: ignore[attr-defined]

    def begin(thread: threading.Thread) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            raise MemoryError
        real(thread)

    threading.Thread._bootstrap_inner = begin  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", [1, 2])
def test_a_thread_without_memory_ends_the_run_and_the_next_one_goes_on(
    tiny: Tiny, tmp_path: Path, number: int
) -> None:
    said = tmp_path / "said.txt"
    run = forked("build", str(tiny.file), said=said, first=lambda: starved(number))
    guard = threading.Timer(50, os.kill, (run, signal.SIGKILL))
    guard.start()
    try:
        assert ended(run) == 1, said.read_text()
    finally:
        guard.cancel()
    assert "Error: Memory ran out." in said.read_text() and "Traceback" not in said.read_text()
    tiny.works("build")


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes")]
)
def test_memory_that_runs_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def serving(folder: Path, port: int) -> None:
        raise error

    monkeypatch.setattr(serve, "serve_folder", serving)
    result = CliRunner().invoke(main, ["serve", str(tmp_path)])
    assert result.exit_code == 1 and result.stderr.startswith("Error: Memory ran out.\n  What was")
