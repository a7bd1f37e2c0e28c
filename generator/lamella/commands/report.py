"""What `lamella report` tells: how good the pictures of each layer are, and which gates they pass.

Flow: store -> facts -> quality -> gates -> **report**. Needs no torch.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from lamella.analyses.visualization_quality.gates import Gate, Summary, gates, percent, summarised
from lamella.analyses.visualization_quality.stored import quality_of
from lamella.commands import terminal
from lamella.commands.tables import plain_table, show
from lamella.config.config import Config
from lamella.config.selection import chosen
from lamella.pipeline.plan import DOCUMENT, keys_now, open_atlas, store_of
from lamella.store.facts import Atlas
from lamella.store.writing import write_atomically

NAMED = 10  # of the units that miss a gate
WORDS = {
    "made, live": "units with a picture, and those of them that an image can change at all.",
    ">max, >p99.9": "live units that their picture excites more than any photograph does, and more "
    "than all but one in a thousand activations.",
    "first": "live units that the picture excites more than any other channel of the layer.",
    "grey, dead": "pictures that show nothing, and units that nothing in an image changes.",
    "again": "units whose first ascent came to nothing.",
    "x max": "median strength of live units: the picture's activation over the photographs' "
    "maximum.",
}
EXPLAINED = {
    "MIS": "machine interpretability score of the pictures, and of photographs.",
    "path": "similarity of layerwise activations to natural ones: pictures, photographs, shuffled.",
}


def quality_report(config: Config, patterns: Sequence[str], file: str | None) -> None:
    """Print how good the pictures are; with `file` as JSON too, to the screen alone for "-"."""
    alone = file == "-"  # nothing else may come between a program and its JSON

    def say(text: str) -> None:
        terminal.say(text, err=alone)

    store = store_of(config)
    if store.read_json(DOCUMENT) is None:
        say(f"Nothing was analysed yet: {store.root} holds no atlas.")
        say(f"Run: lamella build {config.file}")
        return
    atlas = open_atlas(config)
    names = [layer.name for layer in atlas.network.layers]
    wanted = set(chosen(patterns, names, "layer", "--layer") if patterns else names)
    # One layer's facts in memory at a time; what is kept of each is small.
    layers = [
        quality_of(atlas.layer(layer)) for layer in atlas.network.layers if layer.name in wanted
    ]
    summaries = [summarised(own.layer, [own]) for own in layers]
    whole, passed = summarised("", layers), gates(layers)
    if alone:
        terminal.say(document(atlas, summaries, whole, passed))
    else:
        show(_table(summaries, whole))
        if named := [name for name in EXPLAINED if _scores(whole, name)]:
            say("")
            show(_explanations(summaries, whole, named))
        say("")
        _explain(say, whole)
        _gates(say, passed, whole)
        if file:
            write_atomically(
                Path(file), (document(atlas, summaries, whole, passed) + "\n").encode()
            )
    if not whole.pictures:
        asked = "feature_visualization" in atlas.keys
        say("There are no pictures yet." if asked else "No feature visualization was asked for.")
        say(
            f"Run: lamella build {config.file}"
            if asked
            else f"See [analysis] panels in {config.file}."
        )
    changed = [name for name, key in keys_now(config, atlas).items() if key != atlas.keys.get(name)]
    if changed:
        say(
            f"{config.file.name} or lamella changed since the last analysis, which this is of: "
            f"{', '.join(changed)}."
        )


def _explain(say: Any, whole: Summary) -> None:
    for name, words in WORDS.items():
        say(f"{name}: {words}")
    for name, words in EXPLAINED.items():
        if any(key.startswith(name.lower()) for key in whole.scores):
            say(f"{name}: {words}")
    say("")


def _gates(say: Any, passed: Sequence[Gate], whole: Summary) -> None:
    for gate in passed:
        say(gate_words(gate))
    if whole.failed:
        some = _some([str(unit) for unit in whole.failed])
        say(f"The ascent failed for {len(whole.failed)} units: {some}.")


def _table(summaries: Sequence[Summary], whole: Summary) -> Table:
    head = ["layer", "units", "made", "live", ">max %", ">p99.9 %", "first %", "grey", "dead"]
    head += ["again", "x max"]
    table = plain_table(*head)
    every = [*summaries, whole] if len(summaries) > 1 else summaries
    for one in every:
        row = [
            one.name or "all",
            str(one.units),
            str(one.pictures),
            str(one.live),
            *(_share(share) for share in (one.beat_maximum, one.beat_p999, one.first)),
            _number(one.grey),
            str(one.dead),
            _number(one.restarted),
            "-" if one.over_maximum is None else f"{one.over_maximum:.2f}",
        ]
        table.add_row(*row)
    return table


def _explanations(summaries: Sequence[Summary], whole: Summary, named: Sequence[str]) -> Table:
    """The panel `explanation`'s means, in a table of their own: one would not fit a terminal."""
    table = plain_table("layer", *named)
    for one in [*summaries, whole] if len(summaries) > 1 else summaries:
        table.add_row(one.name or "all", *(_scores(one, name) or "-" for name in named))
    return table


def _share(share: float | None) -> str:
    return "-" if share is None else percent(share).removesuffix(" %")


def _number(number: int | None) -> str:
    return "-" if number is None else str(number)


def _scores(one: Summary, name: str) -> str:
    """Scores of one kind, pictures first: `.83 .92`; "" where there are none."""
    found = [value for key, value in one.scores.items() if key.startswith(name.lower())]
    return " ".join(f"{value:.2f}" for value in found)


def gate_words(gate: Gate) -> str:
    """A gate as the report prints it: what was measured, whether that is enough, who misses it."""
    asked = f"(gate {gate.threshold:.0%})".replace("%", " %")
    unknown = gate.expected - gate.counted
    if gate.measured is None:
        return f"{gate.name} {asked}: not measured"
    said = f"{gate.name} {percent(gate.measured)} {asked}: "
    if gate.met is None:
        return f"{said}not known, {unknown} of {gate.expected} {gate.what} were not measured"
    if gate.met:
        return f"{said}met"
    named = _some(gate.misses[: len(gate.misses) - gate.bounded])
    return f"{said}missed; {gate.what}: {named or 'none'}{_bounded(gate)}"


def _bounded(gate: Gate) -> str:
    """How many misses are none that a better picture could mend, and what is left of the gate."""
    if not gate.bounded or gate.measured is None:
        return ""
    share = gate.measured * gate.counted / max(1, gate.counted - gate.bounded)
    return (
        f"; and {gate.bounded} that reach a bound which photographs reach too: the ceiling of the "
        f"activation function, or the unit's own bias. Of the others {percent(share)} beat it"
    )


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def document(
    atlas: Atlas, summaries: Sequence[Summary], whole: Summary, passed: Sequence[Gate]
) -> str:
    """The report as JSON: shares from 0 to 1, null where something was not measured."""

    def plain(one: Summary) -> dict[str, Any]:
        return asdict(one) | {"failed": [str(unit) for unit in one.failed]}

    network = atlas.network
    return json.dumps(
        {
            "network": network.name,
            "weights": network.digest,
            "keys": dict(atlas.keys),
            "layers": [plain(one) for one in summaries],
            "all": plain(whole),
            "gates": [asdict(gate) for gate in passed],
        },
        indent=1,
        allow_nan=False,
    )
