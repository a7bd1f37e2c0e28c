"""Lucent from outside: its environment is made, its worker is asked. Not named `lucent.py`, which
would hide the package from the worker beside it.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".bench" / "lucent" / "bin" / "python"


class NoLucent(Exception):
    """Its environment cannot be made here; the message says why."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Pictures by Lucent, `(3, row, column)` each, and the seconds that each took."""

    images: list[Tensor]
    seconds: list[float]
    device: str


class Lucent:
    """A worker that runs Lucent; a context manager.

    Args:
        network: what a job says of the network; see lucent_worker.py.
        folder: for pictures.
        threads: how many torch may use over there.
    """

    def __init__(self, network: dict[str, object], folder: Path, threads: int) -> None:
        self.network, self.folder, self.threads = network, folder, threads

    def __enter__(self) -> "Lucent":
        script = HERE / "lucent_env.sh"
        made = subprocess.run(["bash", script, sys.executable], capture_output=True, text=True)
        if made.returncode:
            said = [line for line in made.stderr.splitlines() if line.startswith("ERROR")]
            why = (said or ["pip gave no reason"])[0]
            raise NoLucent(f"its environment cannot be made, offline perhaps: {why}")
        self.log = (self.folder / "lucent.log").open("w+")
        self.worker = subprocess.Popen(
            [PYTHON, HERE / "lucent_worker.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        return self

    def __exit__(self, *error: object) -> None:
        self.worker.communicate()
        self.log.close()

    def pictures(
        self,
        layer: str,
        channels: Sequence[int],
        *,
        size: int | None = None,
        seen: int | None = None,
        steps: int | None = None,
    ) -> Rendered:
        """One picture after the other, as Lucent works; None for Lucent's own default."""
        job = {
            **self.network,
            "units": [[layer, channel] for channel in channels],
            "threads": self.threads,
            "out": str(self.folder),
            "size": size,
            "seen": seen,
            "steps": steps,
        }
        assert self.worker.stdin is not None and self.worker.stdout is not None  # both are pipes
        self.worker.stdin.write(json.dumps(job) + "\n")
        self.worker.stdin.flush()
        line = self.worker.stdout.readline()
        if not line:
            self.log.seek(0)
            raise RuntimeError(f"Lucent's worker ended:\n{self.log.read()[-2000:]}")
        told = json.loads(line)
        assert told["threads"] == self.threads
        images = [torch.from_numpy(np.load(file)).permute(2, 0, 1) for file in told["files"]]
        return Rendered(images, told["seconds"], told["device"])
