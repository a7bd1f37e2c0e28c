"""What commands print: tables for a terminal, and sizes of folders."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lamella.commands.terminal import plain


class _Table(Table):
    """One whose cells hold nothing that a terminal obeys."""

    def add_row(self, *cells: Any, **more: Any) -> None:
        super().add_row(*(plain(one) if isinstance(one, str) else one for one in cells), **more)


def plain_table(*columns: str) -> Table:
    """A table for a terminal: the first column to the left, numbers to the right."""
    table = _Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for at, column in enumerate(columns):
        table.add_column(column, justify="left" if at == 0 else "right", overflow="fold")
    return table


def show(table: Table) -> None:
    """Print a table, with nothing in its cells taken for markup."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:  # in a file or another program no line may be folded
        console.width = 1000
    console.print(table)


def size_of(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
