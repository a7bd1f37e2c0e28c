"""Progress of a run: a bar per stage on a terminal, a line per stage elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from lamella.commands.terminal import plain


class _Rate(ProgressColumn):
    """Entries per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.3g}/s", style="progress.data.speed")


@dataclass
class Progress:
    """Shows stages and remembers how long each took.

    Attributes:
        seconds: by stage, in the order in which they ran.
        every: seconds between two lines where there is no terminal.
    """

    console: Console = field(default_factory=lambda: Console(stderr=True))
    seconds: dict[str, float] = field(default_factory=dict)
    every: float = 15.0
    _aside: float = 0.0

    @contextmanager
    def aside(self, name: str) -> Iterator[None]:
        """Something done in between, within a stage or without: its time counts for itself."""
        began = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - began
            self.seconds[name] = self.seconds.get(name, 0.0) + took
            self._aside += took

    @contextmanager
    def stage(self, name: str, total: int, what: str) -> Iterator[Callable[[int], None]]:
        """A stage of `total` things; yields what is to be called with the number just finished."""
        label, began = name.replace("_", " "), time.monotonic()
        done, told, aside = 0, began, self._aside
        bars = Bars(
            TextColumn("{task.description:<22}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(what, markup=False),
            _Rate(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        task = bars.add_task(label, total=total)

        def tick(number: int) -> None:
            nonlocal done, told
            done += number
            bars.advance(task, number)
            now = time.monotonic()
            if not self.console.is_terminal and now - told > self.every:
                told, rate = now, done / (now - began)
                left = (total - done) / rate if rate else 0.0
                self.say(f"{label}: {done}/{total} {what}, {rate:.3g}/s, {left:.0f} s left")

        with bars:
            try:
                yield tick
            finally:
                took = time.monotonic() - began - (self._aside - aside)
                self.seconds[name] = self.seconds.get(name, 0.0) + took
        if not self.console.is_terminal:
            self.say(f"{label}: {done} {what} in {took:.1f} s")

    def say(self, text: str) -> None:
        """A plain line above the bars."""
        self.console.print(plain(text), markup=False, emoji=False, highlight=False, soft_wrap=True)
