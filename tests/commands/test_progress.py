"""Progress: a bar on a terminal, lines elsewhere, and how long each stage took."""

import io

import pytest
from rich.console import Console

from lamella.commands.progress import Progress


def progress(terminal: bool, every: float = 1e9) -> tuple[Progress, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, force_interactive=terminal)
    return Progress(console, every=every), out


def test_elsewhere_a_line_per_stage() -> None:
    shown, out = progress(terminal=False)
    with shown.stage("dataset_examples", 10, "units") as tick:
        for _ in range(5):
            tick(2)
    assert (
        out.getvalue()
        == f"dataset examples: 10 units in {shown.seconds['dataset_examples']:.1f} s\n"
    )


def test_elsewhere_a_line_now_and_then() -> None:
    shown, out = progress(terminal=False, every=0)
    with shown.stage("survey", 4, "images") as tick:
        tick(0)
        tick(3)
    first, second, last = out.getvalue().splitlines()
    assert first.startswith("survey: 0/4 images, 0/s, 0 s left")
    assert second.startswith("survey: 3/4 images, ") and second.endswith(" s left")
    assert last.startswith("survey: 3 images in ")


def test_on_a_terminal_a_bar() -> None:
    shown, out = progress(terminal=True)
    with shown.stage("survey", 4, "images") as tick:
        tick(4)
        shown.say("a line above")
    assert "survey" in out.getvalue() and "4/4" in out.getvalue()
    assert "images" in out.getvalue() and "a line above" in out.getvalue()


def test_seconds_add_up_in_order_even_when_stopped() -> None:
    shown, _ = progress(terminal=False)
    for name in ("survey", "weights", "survey"):
        with shown.stage(name, 1, "units"):
            pass
    with pytest.raises(KeyboardInterrupt), shown.stage("pictures", 2, "units"):
        raise KeyboardInterrupt
    assert list(shown.seconds) == ["survey", "weights", "pictures"]


def test_names_are_no_markup() -> None:
    shown, out = progress(terminal=False)
    shown.say("[bold]conv[0][/bold] :car: " + "x" * 300)
    assert out.getvalue() == "[bold]conv[0][/bold] :car: " + "x" * 300 + "\n"
    with shown.stage("[red]panel", 1, "units"):
        pass
    assert "[red]panel: 0 units" in out.getvalue()
    shown, out = progress(terminal=True)
    with shown.stage("[red]panel", 1, "[b]units"):
        pass
    assert "[red]panel" in out.getvalue() and "[b]units" in out.getvalue()
