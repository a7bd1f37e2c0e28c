"""One direction: what stands left never imports what stands right, and right of the store no torch.

config -> model + images -> survey -> panels -> store -> pages. The words that all of them speak
(errors, units, facts and the store's own format) are shared.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import lamella
from tiny import Tiny

PACKAGE = Path(lamella.__file__).parent
HEAVY = {"torch", "torchvision", "numba", "sklearn", "umap", "captum"}

STAGES = {
    "shared": "lamella errors units figures article links store gathering facts quality gates "
    "selection progress interrupts pyramid strata upsampling heat",
    "config": "validation config",
    "model": "heap activations folding flow recording trace sources weights model decoding images",
    "survey": "survey",
    "panels": "activation_atlas dissecting correlation explaining facets imagespace job layouts "
    "optvis engines ascents plates stimuli distilling walking attributing locating ranks trusting "
    "predicting deciding judging panels",
    "plan": "plan",
    "pages": "about charts citation curves drawing fronts overview pages publish resources "
    "sections sprites stencils templating whole zooming",
    "pipeline": "pipeline estimate",
    "commands": "building reports reporting starting serving",
    "cli": "cli commands",
}
MAY_IMPORT = {
    "shared": "shared",
    "config": "shared config",
    "model": "shared config model",
    "survey": "shared model survey",
    "panels": "shared model survey panels",
    "plan": "shared config panels plan",
    "pages": "shared panels pages",
    "pipeline": "shared config model survey panels plan pipeline",
    "commands": "shared config panels plan pages pipeline commands",
    "cli": "shared config commands cli",
}
STAGE_OF = {module: stage for stage, modules in STAGES.items() for module in modules.split()}
WITHOUT_TORCH = ("shared", "config", "panels", "plan", "pages", "commands", "cli")
ENTRIES = [  # modules that must be importable without torch: all of those stages, but not these
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.stem != "job"
    and path.parent.name
    not in {
        "optvis",
        "survey",
        "engines",
        "ascents",
        "plates",
        "activation_atlas",
        "dissecting",
        "attributing",
        "locating",
        "trusting",
    }
]


def name_of(path: Path) -> str:
    """A file's module, without the package's own name; `lamella` for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "lamella"


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def stage(module: str) -> str:
    return STAGE_OF[module.partition(".")[0]]


def statements(node: ast.AST, *, deep: bool) -> Iterator[ast.AST]:
    """Import statements that run on import; with `deep`, those inside functions too."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from (s for other in child.orelse for s in statements(other, deep=deep))
        elif deep or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from statements(child, deep=deep)


@cache
def imports(module: str, deep: bool) -> frozenset[str]:
    """What a module imports: ours by their short names, others by their top package."""
    found = set()
    for statement in statements(ast.parse(MODULES[module].read_text("utf-8")), deep=deep):
        names = [alias.name for alias in statement.names]
        if isinstance(statement, ast.ImportFrom):
            assert statement.level == 0, f"{module}: write imports in full"
            base = statement.module or ""
            names = [f"{base}.{name}" for name in names]
        for name in names:
            top, _, rest = name.partition(".")
            if top != "lamella":
                found.add(top if not name.startswith("safetensors.torch") else "torch")
                continue
            while rest and rest not in MODULES:
                rest = rest.rpartition(".")[0]
            found.add(rest or "lamella")
            found |= {rest[:at] for at, letter in enumerate(rest) if letter == "."}
    return frozenset(found)


def ours(module: str, deep: bool) -> set[str]:
    return {name for name in imports(module, deep) if name in MODULES}


def test_every_module_has_its_place() -> None:
    homeless = [module for module in MODULES if module.partition(".")[0] not in STAGE_OF]
    assert not homeless, f"say in this file at which stage these stand: {homeless}"
    gone = [module for module in STAGE_OF if module not in MODULES]
    assert not gone


@pytest.mark.parametrize("module", MODULES)
def test_imports_come_from_the_left(module: str) -> None:
    allowed = MAY_IMPORT[stage(module)].split()
    wrong = {name: stage(name) for name in ours(module, deep=True) if stage(name) not in allowed}
    assert not wrong, f"{module} ({stage(module)}) imports {wrong}"


def test_nothing_goes_in_circles() -> None:
    """Packages count as their files: `panels` itself imports each of them."""
    graph = {module: ours(module, deep=False) - {module} for module in MODULES}
    packages = {module for module in MODULES if MODULES[module].stem == "__init__"}
    graph = {
        module: {name for name in found if not (name in packages and module.startswith(name))}
        for module, found in graph.items()
    }
    assert list(TopologicalSorter(graph).static_order())


def reached(module: str) -> set[str]:
    """Everything that importing a module imports."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += imports(name, False) if name in MODULES else []
    return seen


@pytest.mark.parametrize(
    "module", [name_of(path) for path in ENTRIES if stage(name_of(path)) in WITHOUT_TORCH]
)
def test_right_of_the_store_nothing_reaches_torch(module: str) -> None:
    assert not reached(module) & HEAVY


@pytest.mark.parametrize("module", [name for name in MODULES if stage(name) in {"shared", "pages"}])
def test_pages_do_not_even_try(module: str) -> None:
    assert not imports(module, True) & HEAVY


WITHOUT = """\
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision", "numba", "sklearn", "umap"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def without_torch(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT + code, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
    )


def test_what_is_right_of_the_store_is_imported_without_torch() -> None:
    modules = [name_of(path) for path in ENTRIES if stage(name_of(path)) in WITHOUT_TORCH]
    names = [f"lamella.{module}".removesuffix(".lamella") for module in modules]
    result = without_torch(
        "import importlib\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "print(len(sys.argv[1:]))\n",
        *names,
    )
    assert result.stdout.strip() == str(len(names)), result.stderr


CLI = "from lamella.cli import main\nmain(prog_name='lamella')\n"


def test_the_command_line_without_torch(tiny: Tiny) -> None:
    result = without_torch(CLI, "--help")
    assert result.returncode == 0 and "Lay a trained vision network under glass" in result.stdout
    result = without_torch(CLI, "init", str(tiny.folder / "new"))
    assert result.returncode == 0, result.stderr
    for command in ("analyse", "build", "layers"):
        result = without_torch(CLI, command, str(tiny.file))
        assert result.returncode == 1 and "Traceback" not in result.stderr
        assert "Error: This command needs torch, which is not installed." in result.stderr
        assert 'pip install "lamella[analyse]"' in result.stderr


def test_what_was_analysed_is_rendered_without_torch(tiny: Tiny) -> None:
    tiny.works("analyse")
    gone = [tiny.folder / "network.py", *(tiny.folder / "images").rglob("*.png")]
    for path in gone:
        path.unlink()
    for command in ("render", "status", "prune"):
        result = without_torch(CLI, command, str(tiny.file))
        assert result.returncode == 0, result.stderr
    assert len(list((tiny.folder / "public" / "tiny").rglob("[0-9]*.html"))) == 13
