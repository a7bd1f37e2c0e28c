"""Programs that run where torch and what else analyses need is not installed."""

import subprocess
import sys

from helpers.tiny import ENVIRONMENT

HEAVY = ("torch", "torchvision", "captum", "numba", "scipy", "sklearn", "umap")
CLI = "from lamella.cli import main\nmain(prog_name='lamella')\n"
_BLOCKED = f"""\
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def without_torch(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own that finds none of HEAVY."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", _BLOCKED + code, *arguments],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
