"""What commands print: nothing in the name of a file, a layer or a label steers the terminal."""

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lamella.commands
from helpers.tiny import Tiny
from lamella.commands.terminal import plain

EVIL = "\x1b]0;pwned\x07\x1b[31m\u202e\u2066\x9b\r\x08"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def test_what_steers_is_spelled_out() -> None:
    assert plain("a\x1b[31mb\u202ec\r\n\td\udcff") == ("a\\u001b[31mb\\u202ec\\u000d\n\td\\udcff")
    assert plain("Zürich, 東京, \U0001f600") == "Zürich, 東京, \U0001f600"


@given(st.text(st.characters()))
def test_no_text_steers_and_every_text_can_be_printed(text: str) -> None:
    found = plain(text)
    assert not OBEYED.search(found.replace("\n", "").replace("\t", ""))
    assert found.encode("utf-8").decode() == plain(found)


COMMANDS = ("build", "layers", "status", "report", "doctor", "render")


def test_no_command_lets_a_name_steer_the_terminal(tiny: Tiny) -> None:
    first = next((tiny.folder / "images").rglob("*.png"))
    shutil.copy(first, first.parent / f"{EVIL.replace('/', '')}.png")
    (first.parent / f"{EVIL}-broken.png").write_bytes(b"")
    (first.parent / f"x.{EVIL}").write_bytes(b"")
    (first.parent.parent / EVIL).mkdir()
    shutil.copy(first, first.parent.parent / EVIL / "1.png")
    (first.parent.parent / EVIL / "2.png").write_bytes(first.read_bytes() + b"0")
    network = tiny.folder / "network.py"
    network.write_text(
        network.read_text().replace(
            "return layers.eval()",
            f"named = nn.Sequential()\n    named.add_module({EVIL!r}, layers)\n"
            "    return named.eval()",
        )
    )
    tiny.change(model__name=f"a{EVIL}", title=EVIL, authors=[EVIL])
    shown = ""
    for command in COMMANDS:
        result = tiny.run(command)
        assert result.exit_code == 0, (command, result.output, result.exception)
        shown += result.output
    shown += tiny.change(model__classes=f"{EVIL}.txt").fails("build")
    assert "\\u001b]0;pwned" in shown
    assert not OBEYED.search(shown.replace("\n", ""))


@pytest.mark.parametrize("path", sorted(Path(lamella.commands.__file__).parent.glob("*.py")))
def test_commands_print_through_the_one_door(path: Path) -> None:
    printed = re.findall(
        r"click\.s?echo|(?<![.\w])print\(|sys\.std(?:out|err)\.write", path.read_text()
    )
    assert not printed or path.name == "terminal.py"
