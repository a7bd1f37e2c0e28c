"""How all commands end: out of memory with a word, and never by waiting for ever."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from helpers.forked import Forks
from helpers.tiny import Tiny
from lamella.cli import main
from lamella.commands import serve


@pytest.mark.parametrize("number", [1, 2])
def test_a_thread_without_memory_ends_the_run_and_the_next_one_goes_on(
    tiny: Tiny, forks: Forks, tmp_path: Path, number: int
) -> None:
    said = tmp_path / "said.txt"
    code = forks.run("build", str(tiny.file), said=said, attack=("starve", number))
    assert code == 1, said.read_text()
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
