"""What `lamella doctor` tells: whether every analysis runs for this network, before hours of work.

Flow: pipeline -> **doctor**. Of a few images, everything goes into a folder that is thrown away.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lamella.commands.build import unable_words
from lamella.commands.layers import COLUMNS, layer_row, left_out_words, legend
from lamella.commands.tables import plain_table, show
from lamella.commands.terminal import say
from lamella.config.config import load
from lamella.errors import LamellaError, said
from lamella.network.units import Layer

if TYPE_CHECKING:
    from lamella.pipeline.pipeline import Analysis

IMAGES, MINUTE = 12, 60.0
SOME = 6  # layers on which slow analyses are tried
LATE = "not tried: a minute is over"
SETTINGS = {"feature_visualization": {"steps": 2}}


class Silent:
    """Progress that nobody watches."""

    @contextmanager
    def stage(self, name: str, total: int, what: str) -> Iterator[Callable[[int], None]]:
        """A stage of `total` things."""
        yield lambda number: None

    def say(self, text: str) -> None:
        """A plain line."""


def diagnosed(file: Path, device: str | None) -> int:
    """Try every analysis on a few images and one unit of each layer; how many failed.

    Raises:
        LamellaError: the network or its images cannot be had at all.
    """
    from lamella.pipeline.pipeline import Analysis

    began = time.monotonic()
    with TemporaryDirectory(prefix="lamella-doctor-") as folder:
        config = load(
            file,
            output={"work": f"{folder}/work", "site": f"{folder}/site"},
            images={"limit": IMAGES},
            panels=SETTINGS,
            analysis={"device": device} if device else {},
        )
        analysis = Analysis.of(config)
        network = analysis.atlas.network
        say(
            f"{network.name}: {len(network.layers)} layers, {network.units} units, on "
            f"{analysis.model.device}; tried on {len(analysis.images)} images."
        )
        for note in network.notes:
            say(note)
        if network.left_out:
            say(left_out_words(network, len(network.left_out)))
        verdicts: list[tuple[str, float, str]] = []
        for panel, _ in sorted(analysis.panels, key=lambda pair: pair[0].slow):
            if panel.per == "view":
                continue
            if time.monotonic() - began > MINUTE:
                verdicts.append((panel.name, 0.0, LATE))
                continue
            layers = network.layers
            some = {layers[at * (len(layers) - 1) // max(1, SOME - 1)] for at in range(SOME)}
            names = tuple(layer.name for layer in layers if not panel.slow or layer in some)
            verdicts.append((panel.name, *_tried(analysis, (panel.name,), names)))
        _show_layers(analysis)
        for remark in analysis.model.remarks:
            say(remark)
        return _show_verdicts(verdicts, time.monotonic() - began)


def _tried(
    analysis: "Analysis", panels: tuple[str, ...], layers: tuple[str, ...]
) -> tuple[float, str]:
    """How long an analysis took for one unit of each layer, and "" or what it failed of."""
    from lamella.pipeline.pipeline import Selection

    began = time.monotonic()
    verdict = ""
    try:
        for _ in analysis.run(Selection(layers, panels, (0,)), Silent()):
            pass
        verdict = " ".join(unable_words(analysis.unable)).removeprefix(f"{panels[0]}: ")
    except LamellaError as error:
        verdict = f"{error.problem} {error.remedy}".strip()
    except Exception as error:  # the user's own code may raise anything
        verdict = f"{type(error).__name__}: {said(error)}"
    analysis.unable.clear()
    return time.monotonic() - began, verdict


def _show_layers(analysis: "Analysis") -> None:
    layers = analysis.atlas.network.layers
    table = plain_table(*COLUMNS, "dead")
    for layer in layers:
        table.add_row(*layer_row(layer), _dead(analysis, layer))
    show(table)
    legend(layers)


def _dead(analysis: "Analysis", layer: Layer) -> str:
    """The share of a layer's units that none of the images excites."""
    survey = analysis.atlas.layer(layer).of("survey")
    if layer.signed or "maximum" not in survey.numbers:
        return "-"
    return f"{(survey['maximum'] <= 0).mean():.0%}".replace("%", " %")


def _show_verdicts(verdicts: list[tuple[str, float, str]], total: float) -> int:
    """Print what became of each analysis; how many failed."""
    table = plain_table("analysis", "seconds", "verdict")
    failures = {name: why for name, _, why in verdicts if why and why != LATE}
    for name, seconds, why in verdicts:
        table.add_row(name, f"{seconds:.1f}", "FAILS" if name in failures else why or "works")
    show(table)
    for name, why in failures.items():
        say(f"{name}: {why.removeprefix(f'{name}, ')}")
    say(f"{len(failures)} failed; {total:.0f} s, {_memory()}.")
    return len(failures)


def _memory() -> str:
    """The most memory that this process had, in words."""
    try:
        import resource
    except ImportError:  # Windows
        return "how much memory is not known here"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"at most {peak / (1e9 if sys.platform == 'darwin' else 1e6):.1f} GB of memory"
