"""A package's files and what each imports, read off the source; nothing is run."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path


@dataclass(frozen=True)
class Statement:
    """One import: of a module of ours, or ("torch") of another package.

    Attributes:
        deep: inside a function: it runs when that is called.
        typing: for the type checker alone.
    """

    name: str
    deep: bool
    typing: bool


@dataclass
class House:
    """The modules of a package by their dotted names below it; "" is the package itself."""

    top: Path
    name: str = "lamella"
    _read: dict[str, tuple[Statement, ...]] = field(default_factory=dict)

    @cached_property
    def files(self) -> dict[str, Path]:
        found = {}
        for path in sorted(self.top.rglob("*.py")):
            parts = path.relative_to(self.top).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        return found

    def statements(self, module: str) -> tuple[Statement, ...]:
        """What a module imports; of ours each file alone, without the packages that it lies in."""
        if module not in self._read:
            tree = ast.parse(self.files[module].read_text(encoding="utf-8"))
            self._read[module] = tuple(self._named(tree, deep=False, typing=False))
        return self._read[module]

    def _named(self, node: ast.AST, *, deep: bool, typing: bool) -> Iterator[Statement]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                for name in self._targets(child):
                    yield Statement(name, deep, typing)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                for inner in child.body:
                    wrapped = ast.Module([inner], [])
                    yield from self._named(wrapped, deep=deep, typing=True)
                for inner in child.orelse:
                    wrapped = ast.Module([inner], [])
                    yield from self._named(wrapped, deep=deep, typing=typing)
            else:
                inside = deep or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
                yield from self._named(child, deep=inside, typing=typing)

    def _targets(self, statement: ast.Import | ast.ImportFrom) -> Iterator[str]:
        names = [alias.name for alias in statement.names]
        if isinstance(statement, ast.ImportFrom):
            base = "." * statement.level + (statement.module or "")
            names = [f"{base}.{name}" for name in names]
        for name in dict.fromkeys(names):
            top, _, rest = name.partition(".")
            if top == self.name:
                while rest and rest not in self.files:
                    rest = rest.rpartition(".")[0]
                yield rest
            else:
                yield "torch" if name.startswith("safetensors.torch") else top

    def ours(self, module: str, *, deep: bool = True, typing: bool = True) -> set[str]:
        """The modules of this package that a module imports."""
        return {
            each.name
            for each in self.statements(module)
            if each.name in self.files and (deep or not each.deep) and (typing or not each.typing)
        }

    def others(self, module: str, *, deep: bool) -> set[str]:
        """The top names of other packages that a module imports when it runs."""
        return {
            each.name
            for each in self.statements(module)
            if each.name not in self.files and not each.typing and (deep or not each.deep)
        }

    def reached(self, module: str) -> set[str]:
        """The modules that importing a module imports, the packages that they lie in included."""
        seen: set[str] = set()
        waiting = [module]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                parents = [name[:at] for at, letter in enumerate(name) if letter == "."]
                waiting += [*parents, *self.ours(name, deep=False, typing=False)]
        return seen


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A circle of a graph, () for none."""
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


def floors(graph: dict[str, set[str]]) -> int:
    """How many floors a graph without circles stands on: each node above all that it imports."""
    height: dict[str, int] = {}
    for node in TopologicalSorter(graph).static_order():
        height[node] = 1 + max((height[below] for below in graph.get(node, ())), default=0)
    return max(height.values(), default=0)
