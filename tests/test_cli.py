"""The command line: what a user sees of it, and what it does to the disk."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from helpers.tiny import ENVIRONMENT, Tiny, mistake, process, started
from helpers.without_torch import CLI, without_torch
from lamella import __version__
from lamella.analyses.feature_visualization import FeatureVisualization
from lamella.analyses.feature_visualization.estimate import seconds_per_unit
from lamella.cli import main
from lamella.commands.layers import duration, field_words
from lamella.commands.status import stale
from lamella.network.units import Layer
from lamella.pipeline.pipeline import Analysis
from lamella.places.field import Field, ReceptiveField


def commands() -> Iterator[tuple[str, click.Command]]:
    yield "lamella", main
    yield from main.commands.items()


def test_every_command_and_option_says_what_it_does() -> None:
    for name, command in commands():
        assert command.help and command.help.strip().endswith("."), name
        for parameter in command.params:
            where = f"{name} {parameter.name}"
            if isinstance(parameter, click.Option):
                assert parameter.help and parameter.help[0].isupper(), where
                assert parameter.help.endswith("."), where
            else:
                metavar = parameter.make_metavar(click.Context(command))
                assert re.search(rf"\b{metavar} is ", command.help), f"{where}: not explained"


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_help_fits_a_terminal(name: str) -> None:
    arguments = ["--help"] if name == "lamella" else [name, "--help"]
    result = CliRunner().invoke(main, arguments, terminal_width=80)
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    assert "..." not in result.output.replace("[ARGS]...", ""), "a summary is cut off"


def test_commands_stand_in_the_order_in_which_they_are_used() -> None:
    listed = CliRunner().invoke(main, []).output.partition("Commands:")[2].split("\n")
    names = [line.split()[0] for line in listed if line.strip()]
    assert names == [
        "init",
        "doctor",
        "build",
        "analyse",
        "render",
        "serve",
        "cite",
        "figure",
        "pack",
        "layers",
        "settings",
        "status",
        "report",
        "check",
        "prune",
    ]


def test_version() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"lamella, version {__version__}\n"


TYPOS = {
    ("biuld", "atlas.toml"): "No such command 'biuld'. Did you mean 'build'?",
    ("qqq",): "No such command 'qqq'. See lamella --help.",
    ("build",): "Missing argument 'CONFIG'.",
    ("build", "a", "b"): "Got unexpected extra argument (b)",
    ("build", "atlas.toml", "--layr", "x"): "No such option '--layr'. Did you mean '--layer'?",
    ("build", "atlas.toml", "--layer"): "'--layer' requires an argument.",
    ("serve", ".", "--port", "99999"): "99999 is not in the range",
    ("serve", ".", "--port", "http"): "'http' is not a valid integer",
}


@pytest.mark.parametrize("arguments", TYPOS)
def test_typos(arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert TYPOS[arguments] in result.stderr


def test_an_analysis_from_beginning_to_end(tiny: Tiny) -> None:
    assert "Nothing was analysed yet" in tiny.works("status")
    output = tiny.works("analyse")
    assert "tiny: 3 layers, 13 units, 3 images, on cpu" in output
    assert "13 units, 3 images in" in output and "survey" in output
    output = tiny.works("status")
    assert "Everything is there." in output
    assert re.search(r"survey +13 +13 ", output) and re.search(r"weights +13 +13 ", output)
    assert "survey" not in tiny.works("analyse"), "nothing is computed twice"


def test_only_some_of_it(tiny: Tiny) -> None:
    tiny.works("analyse", "--layer", "2", "--panel", "weights", "--channels", "0,4-5")
    output = tiny.works("status")
    assert re.search(r"weights +3 +13 ", output) and re.search(r"survey +13 +13 ", output)
    assert "23 results are missing." in output
    tiny.works("analyse")
    assert "Everything is there." in tiny.works("status")


def test_folders_of_the_command_line(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are relative to where the user is, those of the file to the file."""
    elsewhere = tiny.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    tiny.works("analyse", "--work", "store")
    assert (elsewhere / "store" / "atlas.json").is_file() and not tiny.work.exists()
    assert "Everything is there." in tiny.works("status", "--work", "store")
    assert "Nothing was analysed yet" in tiny.works("status")


def test_status_knows_what_the_file_asks_for_now(tiny: Tiny) -> None:
    tiny.works("analyse")
    output = tiny.change(panels__dataset_examples__side=64).works("status")
    assert "13 results are missing." in output
    assert "atlas.toml was changed since the last analysis: dataset_examples." in output


def test_status_counts_what_rests_on_labels_apart(tiny: Tiny) -> None:
    tiny.change(analysis__panels=["statistics"]).works("analyse")
    assert re.search(r"^labels +13 +13 ", tiny.works("status"), re.M)
    picture = next(path for path in sorted((tiny.folder / "images").rglob("*.png")))
    (tiny.folder / "images" / "renamed").mkdir()
    picture.rename(tiny.folder / "images" / "renamed" / picture.name)
    assert tiny.works("analyse").count("survey:") >= 1
    assert re.search(r"^survey +13 +13 ", tiny.works("status"), re.M)


def test_layers(tiny: Tiny) -> None:
    tiny.change(analysis__panels=["weights", "feature_visualization"])
    output = tiny.works("layers")
    assert re.search(r"^0 +convolution +4 +7 x 7 +3 / 2 px +4 +\d+ (s|min|h)$", output, re.M)
    assert re.search(r"^6 +linear +3 +1 x 1 +all +3 ", output, re.M)
    assert "3 layers, 13 units, 3 images" in output and "measured now" in output
    assert not (tiny.work / "atlas.json").exists(), "listing is no analysis"
    output = tiny.works("layers", "--no-time")
    assert "measured" not in output


def test_layers_after_a_change_does_not_undo_the_analysis(tiny: Tiny) -> None:
    tiny.works("analyse")
    before = (tiny.work / "atlas.json").read_bytes()
    tiny.change(analysis__layers=["0"]).works("layers", "--no-time")
    assert (tiny.work / "atlas.json").read_bytes() == before


def test_hostile_names_of_layers_are_shown_as_they_are(tiny: Tiny) -> None:
    (tiny.folder / "network.py").write_text(
        "from torch import nn\n"
        "def network():\n"
        "    layers = {'[red]x[/red]': nn.Conv2d(3, 2, 3), ':car:': nn.Conv2d(2, 2, 3)}\n"
        "    return nn.Sequential(*layers.values()).eval() if 0 else Net(layers).eval()\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, layers):\n"
        "        super().__init__()\n"
        "        for name, layer in layers.items():\n"
        "            self.add_module(name, layer)\n"
        "    def forward(self, x):\n"
        "        for layer in self.children():\n"
        "            x = layer(x)\n"
        "        return x\n"
    )
    output = tiny.works("layers", "--no-time")
    assert "[red]x[/red]" in output and ":car:" in output


def test_seconds_per_unit_grow_with_the_steps(tiny: Tiny) -> None:
    tiny.change(analysis__panels=["feature_visualization"])
    analysis = Analysis.of(tiny.config())
    layer = analysis.atlas.network.layers[0]
    few, many = (
        FeatureVisualization.settings.model_validate({"steps": steps}) for steps in (1, 10_000)
    )
    panel = FeatureVisualization()
    less, more = (seconds_per_unit(analysis.job(panel, each), layer) for each in (few, many))
    assert 0 < less < more
    assert all(parameter.grad is None for parameter in analysis.model.module.parameters())


def test_networks_of_one_size_are_measured_at_it(tiny: Tiny) -> None:
    text = (tiny.folder / "network.py").read_text()
    text = text.replace("nn.AdaptiveAvgPool2d(1)", "nn.Identity()").replace("(6, 3)", "(38400, 3)")
    (tiny.folder / "network.py").write_text(text)
    preprocessing = {"resize": 165, "size": 165}
    tiny.change(
        analysis__panels=["feature_visualization"],
        model__preprocessing=preprocessing,
    )
    assert re.search(r"^6 +linear .* \d+ (s|min|h)$", tiny.works("layers"), re.M)
    tiny.change(panels__feature_visualization__size=64)
    assert re.search(r"^6 +linear .* \?$", tiny.works("layers"), re.M)


def test_words() -> None:
    assert [duration(s) for s in (0, 89, 90, 3600, 5400)] == [
        "0 s",
        "89 s",
        "2 min",
        "60 min",
        "1.5 h",
    ]
    axis = ReceptiveField(15, 4, -3)
    seeing = Layer("a", "convolution", 1, 1, 1, Field(axis, axis))
    assert field_words(seeing) == "15 / 4 px"
    assert field_words(Layer("a", "linear", 1, 1, 1, None)) == "all"


def old_results(tiny: Tiny) -> list[Path]:
    """A store with results of earlier settings."""
    tiny.works("analyse")
    before = set(tiny.work.iterdir())
    tiny.change(panels__dataset_examples__side=64, model__preprocessing__size=12).works("analyse")
    return sorted(path for path in before if path.is_dir())


def test_prune_deletes_only_what_is_ours_and_stale(tiny: Tiny) -> None:
    old = old_results(tiny)
    kept = set(tiny.work.iterdir()) - set(old)
    strangers = []
    for name in ("holiday", "notes-0123456789abcdef", "weights-0123", "Weights-0123456789abcdef"):
        (tiny.work / name).mkdir()
        (tiny.work / name / "mine.txt").write_text("mine")
        strangers.append(tiny.work / name)
    mixed = tiny.work / "weights-fedcba9876543210"
    shutil.copytree(old[0], mixed)
    (mixed / "thesis.docx").write_text("mine")
    link = tiny.work / "weights-aaaaaaaaaaaaaaaa"
    outside = tiny.folder / "outside"
    shutil.copytree(old[0], outside)
    link.symlink_to(outside)
    inner = tiny.work / "weights-bbbbbbbbbbbbbbbb"
    shutil.copytree(old[0], inner)
    (inner / "linked").symlink_to(outside)
    file = tiny.work / "weights-cccccccccccccccc"
    file.write_text("")
    assert stale(tiny.config()) == old

    output = tiny.works("prune", input="n\n")
    assert all(path.name in output and path.is_dir() for path in old)
    assert f"Delete these {len(old)} folders?" in output
    output = tiny.works("prune", "--yes")
    assert f"Deleted {len(old)} folders." in output
    left = {*kept, *strangers, mixed, link, inner, file}
    assert set(tiny.work.iterdir()) == left
    assert any(outside.rglob("*.safetensors"))
    assert "Everything is there." in tiny.works("status")
    assert tiny.works("prune").strip() == "Nothing to delete."


def test_prune_keeps_what_the_file_asks_for_again(tiny: Tiny) -> None:
    """Settings there and back, without an analysis in between: the first results are wanted."""
    tiny.works("analyse")
    tiny.change(panels__dataset_examples__side=64).works("analyse")
    tiny.change(panels__dataset_examples=None)
    assert "folders of earlier settings" not in tiny.works("status")
    assert tiny.works("prune").strip() == "Nothing to delete."


def test_prune_before_an_analysis(tiny: Tiny) -> None:
    message = tiny.fails("prune")
    assert "holds no analysis yet.\n  Run: lamella build" in message


def test_prune_that_fails(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    old_results(tiny)

    def fail(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lamella.commands.status.shutil.rmtree", fail)
    message = tiny.fails("prune", "--yes")
    assert "Cannot delete" in message and "Permission denied." in message


def test_an_analysis_needs_its_packages(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*args: object) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr("lamella.pipeline.pipeline.Analysis.of", absent)
    message = tiny.fails("analyse")
    assert "needs torch, which is not installed." in message
    assert 'pip install "lamella[analyse]"' in message


def test_mistakes_of_ours_keep_their_traceback(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ModuleNotFoundError("No module named 'jinja2'", name="jinja2")

    monkeypatch.setattr("lamella.pipeline.pipeline.Analysis.of", broken)
    assert isinstance(tiny.run("analyse").exception, ModuleNotFoundError)


def test_what_would_stop_the_pages_is_told_before_the_work(tiny: Tiny) -> None:
    message = tiny.change(credits="nowhere.md").fails("build")
    assert "'credits': cannot read" in message and not tiny.work.exists()
    tiny.change(credits=None)
    (tiny.folder / "public").mkdir()
    (tiny.folder / "public" / "thesis.docx").write_text("mine")
    message = tiny.fails("build")
    assert "thesis.docx" in message and not tiny.work.exists()


def test_ctrl_c_in_a_command(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lamella.pipeline.pipeline.Analysis.of", stopped)
    result = tiny.run("analyse")
    assert result.exit_code == 130
    assert result.stderr.strip() == (
        "Stopped. What was finished is kept: the same command goes on from there."
    )


SLOW = """\
import time
import torch
from torch import nn


class Slow(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.passes = 0

    def forward(self, x):
        self.passes += 1
        if self.passes > 1:
            print("in the survey", flush=True)
            time.sleep(60)
        return self.conv(x)


def network():
    torch.manual_seed(0)
    return Slow().eval()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of a terminal")
def test_ctrl_c_in_a_process_of_its_own(tiny: Tiny) -> None:
    """In the middle of the survey; the same command then goes on from there."""
    (tiny.folder / "network.py").write_text(SLOW)
    with started("analyse", str(tiny.file)) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "in the survey\n"
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate(timeout=30)
    assert running.returncode == 130, stderr
    assert "Stopped. What was finished is kept" in stderr and "Traceback" not in stderr
    (tiny.folder / "network.py").write_text(SLOW.replace("time.sleep(60)", "pass"))
    tiny.works("analyse")
    assert "Everything is there." in tiny.works("status")


@pytest.mark.skipif(os.name != "posix", reason="signals of a terminal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_says_so_and_keeps_what_was_finished(
    tiny: Tiny, number: signal.Signals
) -> None:
    (tiny.folder / "network.py").write_text(SLOW)
    with started("analyse", str(tiny.file)) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "in the survey\n"
        running.send_signal(number)
        _, stderr = running.communicate(timeout=30)
    assert running.returncode == 128 + number, stderr
    assert f"Stopped by {number.name}. What was finished is kept" in stderr
    assert "Traceback" not in stderr
    (tiny.folder / "network.py").write_text(SLOW.replace("time.sleep(60)", "pass"))
    tiny.works("analyse")


ENDED = """\
import os, sys
from lamella.__main__ import main

class Ended:
    left, number = int(sys.argv.pop()), int(sys.argv.pop())

    def find_spec(self, *wanted):
        Ended.left -= 1
        if not Ended.left:
            os.kill(os.getpid(), self.number)

sys.meta_path.insert(0, Ended())
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of a terminal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_while_it_imports_says_so(tiny: Tiny, number: int) -> None:
    """At its first import, and at later ones, up to the middle of torch."""
    for imports in (1, 100, 1000):
        done = subprocess.run(
            [sys.executable, "-c", ENDED, "layers", str(tiny.file), str(int(number)), str(imports)],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        assert "Traceback" not in done.stderr, (imports, done.stderr)
        assert done.returncode == 128 + number and "Stopped" in done.stderr, (imports, done.stderr)


def test_problems_go_to_stderr_and_results_to_stdout(tiny: Tiny) -> None:
    result = process("status", str(tiny.file))
    assert result.returncode == 0 and result.stderr == "" and "Run: lamella build" in result.stdout
    result = process("prune", str(tiny.file))
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("Error: ") and "Traceback" not in result.stderr


def test_output_that_nobody_reads(tiny: Tiny) -> None:
    """`lamella status atlas.toml | head -0` ends without a traceback."""
    command = f"{sys.executable} -m lamella.cli status {tiny.file} | true"
    result = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
    assert "Traceback" not in result.stderr


def test_infinity_is_told_with_its_layer_and_channel(tiny: Tiny) -> None:
    text = (tiny.folder / "network.py").read_text()
    text = text.replace("    return", "    nn.init.constant_(layers[2].weight, 3e38)\n    return")
    (tiny.folder / "network.py").write_text(text)
    message = tiny.fails("analyse")
    assert "Layer '2' yields NaN or infinite activations on" in message
    assert re.search(r"on \w+/\d.png, first in channel \d\.", message)
    assert '[analysis] layers = ["*", "!2"]' in message


def test_the_helper_of_these_tests_notices_a_missing_remedy() -> None:
    @click.command()
    def command() -> None:
        click.echo("Error: alone", err=True)
        sys.exit(1)

    with pytest.raises(AssertionError, match="no remedy"):
        mistake(CliRunner().invoke(command))


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
