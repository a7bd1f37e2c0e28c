"""The house: which rooms there are, which way imports run, and what may stand where.

The tables below are the plan; `complaints` holds a package against them.
"""

import shutil
from pathlib import Path

import pytest

import lamella
from helpers.house import House, circle, floors
from helpers.without_torch import HEAVY
from lamella.analyses import PANELS

PACKAGE = Path(lamella.__file__).parent
TESTS = Path(__file__).parent

# Each room may import what stands behind it, and itself.
ROOMS = {
    "errors": "",
    "config": "errors",
    "loading": "errors config places network",
    "places": "errors",
    "network": "errors config places",
    "images": "errors config",
    "store": "errors config network images",
    "numbers": "errors places network",
    "survey": "errors network images store",
    "optvis": "errors config network",
    "attribution": "errors places network numbers",
    "engines": "errors network",
    "diagram": "network",
    "figures": "errors network images store numbers",
    "analyses": "errors config loading places network images store numbers survey optvis "
    "attribution engines figures",
    "pipeline": "errors config loading network images store survey engines analyses",
    "site": "errors config network store diagram figures analyses",
    "commands": "errors config network images store figures analyses pipeline site",
    "exports": "errors commands config network store figures analyses pipeline site",
    "cli": "errors commands config exports",
    "__main__": "cli",
}
# What rooms above take from analyses: its tuple and its face; of single analyses what stands here.
FACE = {"analyses", "analyses.panel", "analyses.job"}
DOORS = {
    "commands": {"analyses.visualization_quality.gates", "analyses.visualization_quality.stored"},
    "exports": {
        "analyses.dataset_examples.stored",
        "analyses.feature_visualization.stored",
        "analyses.weights.stored",
    },
}
SHARED = {"panel", "job"}  # files of analyses that belong to no single one
# Pages are rendered on machines without torch: these rooms do not import it, not even inside of
# functions; nor do the files of an analysis that are reached when it is imported.
PAGES = ("config", "store", "diagram", "figures", "site", "exports")
LINES, FILES, FLOORS = 250, 15, 15
TOP = {"", "__main__", "cli", "errors"}  # the only files that lie in no room


def room(module: str) -> str:
    return module.partition(".")[0]


def analysis(module: str) -> str:
    """The analysis that a file is part of; "" for what all share."""
    parts = module.split(".")
    return parts[1] if parts[0] == "analyses" and len(parts) > 1 and parts[1] not in SHARED else ""


def complaints(house: House) -> list[str]:
    """Everything in a package that does not stand as the plan has it."""
    found = []
    files = {module for module in house.files if module}
    for module in sorted(files):
        found += [f"{module}: {each}" for each in _of_file(house, module)]
    for name in ROOMS:
        number = sum(room(module) == name for module in files)
        if name != "analyses" and number > FILES:
            found.append(f"{name}: {number} files; at most {FILES} in a room")
    graph = {module: house.ours(module) - {module} for module in files}
    if path := circle(graph) or circle(_rooms(house)):
        found.append("a circle: " + " -> ".join(path))
    elif (high := floors(_rooms(house))) > FLOORS:
        found.append(f"{high} floors; at most {FLOORS}")
    return found


def _rooms(house: House) -> dict[str, set[str]]:
    """Which room imports which; each analysis counts as a room, and so does what all share.

    The package itself is none: it has a version, and leads on.
    """

    def room_of(module: str) -> str:
        return ".".join(module.split(".")[:2]) if room(module) == "analyses" else room(module)

    graph: dict[str, set[str]] = {}
    for module in filter(None, house.files):
        below = graph.setdefault(room_of(module), set())
        below |= {room_of(name) for name in house.ours(module)} - {room_of(module), ""}
    return graph


def _of_file(house: House, module: str) -> list[str]:
    own, found = room(module), []
    lines = len(house.files[module].read_text(encoding="utf-8").splitlines())
    if lines >= LINES:
        found.append(f"{lines} lines; fewer than {LINES} in a file")
    if own not in ROOMS or (
        "." not in module and module not in TOP and not _is_package(house, own)
    ):
        return [*found, "no room has a place for it"]
    for name in sorted(house.ours(module) - {""}):
        other = room(name)
        if other != own and other not in ROOMS[own].split():
            found.append(f"imports {name}, and {own} may not import {other}")
        elif other == "analyses" and own == other:
            apart = analysis(module) and analysis(name) and analysis(module) != analysis(name)
            if apart and not name.endswith(".stored"):
                found.append(f"imports {name}; the door to another analysis is its `stored`")
        elif other == "analyses" and name not in FACE | DOORS.get(own, set()):
            found.append(f"imports {name}, which is inside of an analysis")
    if own in PAGES and (heavy := house.others(module, deep=True) & set(HEAVY)):
        found.append(f"imports {', '.join(sorted(heavy))}, which pages are rendered without")
    return found


def _is_package(house: House, name: str) -> bool:
    return name in house.files and house.files[name].name == "__init__.py"


@pytest.fixture(scope="module")
def house() -> House:
    return House(PACKAGE)


def test_everything_stands_where_it_belongs(house: House) -> None:
    assert not complaints(house), "\n".join(complaints(house))


MISPLACED = {
    "a file at the top": ("helpers.py", "", "no room has a place for it"),
    "a room that is not planned": ("utils/text.py", "", "no room has a place for it"),
    "an arrow that runs up": (
        "store/pictures.py",
        "from lamella.figures import Picture",
        "store may not import figures",
    ),
    "an arrow that runs up inside of a function": (
        "network/drawn.py",
        "def f():\n    from lamella.site import pages",
        "network may not import site",
    ),
    "an analysis that reads another": (
        "analyses/facets/peek.py",
        "from lamella.analyses.dissection.tables import by_kind",
        "the door to another analysis is its `stored`",
    ),
    "a page that looks into an analysis": (
        "site/peek.py",
        "from lamella.analyses.embedding import Embedding",
        "which is inside of an analysis",
    ),
    "torch right of the store": (
        "site/heavy.py",
        "def f():\n    import torch",
        "which pages are rendered without",
    ),
    "a circle": (
        "config/digest.py",
        "from lamella.config.config import Config\nimport lamella.config.circle",
        "a circle",
    ),
    "a long file": ("config/long.py", "\n" * LINES, "fewer than"),
    "a full room": ("images/x{}.py", "", "at most 15 in a room"),
}


@pytest.mark.parametrize("what", MISPLACED)
def test_what_does_not_belong_is_told(what: str, tmp_path: Path) -> None:
    name, text, said = MISPLACED[what]
    top = Path(shutil.copytree(PACKAGE, tmp_path / "lamella", ignore=shutil.ignore_patterns("_*_")))
    for number in range(20 if "{}" in name else 1):
        path = top / name.format(number)
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(f'"""New."""\n{text}\n', encoding="utf-8")
    (top / "config" / "circle.py").write_text("import lamella.config.digest\n")
    assert any(said in each for each in complaints(House(top))), complaints(House(top))


def test_imports_are_written_in_full(house: House) -> None:
    short = {m for m in house.files if any(not s.name for s in house.statements(m))}
    assert all("from lamella import __version__" in house.files[m].read_text() for m in short)


def test_right_of_the_store_nothing_reaches_torch(house: House) -> None:
    """What the command line, the pages, and the tuple of analyses import before a command runs."""
    for start in ("cli", "analyses", *(m for m in house.files if room(m) in (*PAGES, "commands"))):
        for module in house.reached(start):
            assert not house.others(module, deep=False) & set(HEAVY), f"{start} -> {module}"


def test_an_analysis_says_whose_results_it_reads(house: House) -> None:
    """In `needs` or `shows`, of some panel of its folder."""
    of = {panel.name: analysis(type(panel).__module__.removeprefix("lamella.")) for panel in PANELS}
    said: dict[str, set[str]] = {}
    for panel in PANELS:
        named = {of[name] for name in (*panel.needs, *panel.shows) if name in of}
        said.setdefault(of[panel.name], set()).update(named)
    for module in house.files:
        if own := analysis(module):
            read = {analysis(name) for name in house.ours(module)} - {"", own}
            assert read <= said[own], f"{module} reads {read - said[own]}"


FREE = {
    "browser",
    "benchmarks",
    "cases",
    "demonstration",
    "families",
    "fuzz",
    "golden",
    "helpers",
}  # of no single room
OF_ALL = {
    "cli",
    "contributing",
    "documented",
    "house",
    "readme",
    "soak",
    "supply",
}  # tests at the top


def test_a_test_is_found_from_its_file() -> None:
    """tests/<room>/test_<file>.py; of a whole analysis, a file of the analysis' own name."""
    for path in TESTS.rglob("test_*.py"):
        *folders, name = path.relative_to(TESTS).with_suffix("").parts
        name = name.removeprefix("test_")
        if not folders:
            assert name in OF_ALL, path
        elif folders[0] not in FREE:
            beside = PACKAGE.joinpath(*folders)
            named = (beside / f"{name}.py").is_file() or (beside / name).is_dir()
            assert named or (folders[0] == "analyses" and name == folders[-1]), path
