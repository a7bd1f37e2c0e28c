"""How good the pictures are: facts made by hand, whose answers are known."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.layer_facts import made_by_hand
from helpers.tiny import Tiny
from lamella.analyses.visualization_quality import VisualizationQuality
from lamella.analyses.visualization_quality.gates import Gate, gates, joined, percent, summarised
from lamella.analyses.visualization_quality.stored import Quality, quality_of
from lamella.commands.report import gate_words
from lamella.figures import Table
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard, Sheet, Store


def table_of(facts: LayerFacts, channel: int) -> dict[str, str]:
    figure, *_ = VisualizationQuality().view(facts, channel)
    assert isinstance(figure, Table)
    return {row[0]: row[1] for row in figure.rows}


MADE = {
    # strong, weaker than a photograph, silent until now, dead, failed, grey
    "activation": np.array([30, 8, 2, 0, 0, 20], np.float32),
    "mean": np.zeros(6, np.float32),
    "rank": np.array([1, 3, 1, 0, 0, 1], np.int32),
    "contrast": np.array([0.2, 0.1, 0.3, 0.2, 0, 0.001], np.float32),
    "dead": np.array([0, 0, 0, 1, 0, 0], np.uint8),
    "tries": np.array([1, 2, 2, 2, 1, 1], np.uint8),
    "attempt": np.array([1, 2, 2, 2, 1, 1], np.uint8),
    "curve": np.zeros((6, 64), np.float32),
    "kept_step": np.array([63, 60, 50, 0, 0, 40], np.int32),
    "failed": np.array([0, 0, 0, 0, 1, 0], np.uint8),
}
SURVEY = {
    "maximum": np.array([10, 10, 0, 0, 5, 10], np.float32),
    "p999": np.array([5, 4, 0, 0, 1, 10.3], np.float32),  # the last: the middle of its bin
}
SHOWN = (0, 1, 2, 3, 5)


def usual() -> LayerFacts:
    return made_by_hand(MADE, SURVEY, pictures=SHOWN)


def test_each_unit() -> None:
    own = quality_of(usual())
    assert own.picture.tolist() == [True, True, True, True, False, True]
    assert own.live.tolist() == [True, True, True, False, False, True]
    assert own.failed.tolist() == [False] * 4 + [True, False]
    assert own.silent.tolist() == [False, False, True, True, False, False]
    np.testing.assert_array_equal(own.over_maximum, [3, 0.8, np.nan, np.nan, np.nan, 2])
    np.testing.assert_array_equal(own.over_p999, [6, 2, np.nan, np.nan, np.nan, 2])
    assert own.beats_maximum.tolist() == [True, False, True, False, False, True]
    assert own.beats_p999.tolist() == [True, True, True, False, False, True]
    assert own.first.tolist() == [True, False, True, False, False, True]
    assert own.grey.tolist() == [False] * 5 + [True]
    assert own.restarted.tolist() == [False, True, True, True, False, False]


def test_a_layer_in_numbers() -> None:
    one = summarised("conv", [quality_of(usual())])
    assert (one.units, one.pictures, one.live, one.dead, one.silent) == (6, 5, 4, 1, 2)
    assert (one.grey, one.restarted) == (1, 3)
    assert [str(unit) for unit in one.failed] == ["conv:4"]
    assert (one.beat_maximum, one.beat_p999, one.first) == (0.75, 1.0, 0.75)
    assert (one.over_maximum, one.over_p999) == (2.0, 2.0)
    assert one.scores == {}


def by_name(layers: list[Quality]) -> dict[str, Gate]:
    return {gate.name: gate for gate in gates(layers)}


def test_gates_and_those_that_miss_them() -> None:
    found = by_name([quality_of(usual())])
    beats = found["beats the maximum"]
    assert (beats.measured, beats.threshold, beats.met) == (0.75, 0.99, False)
    assert (beats.misses, beats.counted, beats.expected) == (("conv:1",), 4, 4)
    grey = found["is not grey"]
    assert (grey.measured, grey.met, grey.misses) == (0.75, False, ("conv:5",))
    assert found["ranks first in its layer"].met is True
    assert found["ranks first, in every layer"].met is True
    assert gate_words(beats) == "beats the maximum 75.0 % (gate 99 %): missed; units: conv:1"


def test_gates_of_several_layers() -> None:
    def layer(name: str, ranks: list[int]) -> Quality:
        ones = np.ones(len(ranks), np.float32)
        made = {"activation": 2 * ones, "rank": np.array(ranks), "contrast": ones}
        return quality_of(made_by_hand(made, {"maximum": ones, "p999": ones}, name=name))

    found = by_name([layer("a", [1] * 8), layer("b", [1, 2, 7])])
    whole, every = found["ranks first in its layer"], found["ranks first, in every layer"]
    assert whole.measured == pytest.approx(9 / 11) and whole.met is True
    assert whole.misses == ("b:1", "b:2")
    assert every.measured == pytest.approx(1 / 3) and every.met is False
    assert every.misses == ("b 33.3 %",) and (every.counted, every.expected) == (2, 2)
    assert gate_words(every).endswith("33.3 % (gate 50 %): missed; layers: b 33.3 %")
    assert gate_words(found["is not grey"]) == "is not grey 100.0 % (gate 100 %): met"


def test_only_some_are_named() -> None:
    gate = Gate("is x", 0.5, 0.99, False, "units", 40, 40, tuple(f"a:{n}" for n in range(20)))
    assert gate_words(gate).endswith(
        "missed; units: " + ", ".join(gate.misses[:10]) + " and 10 more"
    )


def test_a_share_is_never_rounded_up() -> None:
    shares = (0.9896, 0.98999999, 0.99, 0.7, 1.0, 0.29, 0.0)
    assert [percent(share) for share in shares] == [
        "98.9 %",
        "98.9 %",
        "99.0 %",
        "70.0 %",
        "100.0 %",
        "29.0 %",
        "0.0 %",
    ]


@given(st.integers(0, 1000))
def test_whole_tenths_of_a_percent_stay_what_they_are(tenths: int) -> None:
    assert percent(tenths / 1000) == f"{tenths // 10}.{tenths % 10} %"


# Hostile and degenerate


def test_without_a_survey_nothing_is_compared() -> None:
    facts = made_by_hand({name: MADE[name] for name in MADE if name != "rank"}, {}, pictures=SHOWN)
    own, found = quality_of(facts), by_name([quality_of(facts)])
    assert not own.beats_maximum.any() and not own.silent.any() and not own.surveyed.any()
    one = summarised("conv", [own])
    assert one.beat_maximum is one.beat_p999 is one.first is one.over_maximum is None
    assert one.grey == 1
    for name in ("beats the maximum", "ranks first in its layer", "ranks first, in every layer"):
        assert found[name].met is None and found[name].measured is None
    assert gate_words(found["beats the maximum"]) == "beats the maximum (gate 99 %): not measured"
    assert "Out of distribution" not in table_of(facts, 0)


def test_shards_of_before_the_measurements() -> None:
    facts = made_by_hand({"activation": MADE["activation"]}, SURVEY)
    one, found = summarised("conv", [quality_of(facts)]), by_name([quality_of(facts)])
    assert one.pictures == one.live == 6 and one.grey is None and one.restarted is None
    assert one.first is None and found["is not grey"].met is None
    assert table_of(facts, 0) == {
        "Against the strongest photograph": "3.0 times as strong",
        "Against the top 0.1 % of activations": "6.0 times as strong",
        "Out of distribution": "yes: no photograph excites the unit as much",
    }


def test_no_picture_at_all() -> None:
    facts = made_by_hand({}, SURVEY)
    one = summarised("conv", [quality_of(facts)])
    assert (one.units, one.pictures, one.live, one.silent) == (6, 0, 0, 2)
    assert all(gate.met is None for gate in gates([quality_of(facts)]))
    assert VisualizationQuality().view(facts, 0) == VisualizationQuality().view_layer(facts) == ()


def test_all_dead() -> None:
    made = MADE | {"dead": np.ones(6, np.uint8), "failed": np.zeros(6, np.uint8)}
    facts = made_by_hand(made, SURVEY)
    one = summarised("conv", [quality_of(facts)])
    assert (one.dead, one.live) == (6, 0) and one.grey is None and one.first is None
    assert all(gate.met is None for gate in gates([quality_of(facts)]))
    assert table_of(facts, 0)["Dead"] == "yes: nothing in an image changes this unit"


def test_what_is_not_finite_is_not_good() -> None:
    made = {
        "activation": np.array([np.nan, np.inf, -np.inf, 5], np.float32),
        "contrast": np.array([0.2, np.nan, 0.2, 0.2], np.float32),
        "rank": np.ones(4, np.int32),
    }
    survey = {
        "maximum": np.array([1, 1, 1, np.nan], np.float32),
        "p999": np.array([1, 1, 1, np.nan], np.float32),
    }
    facts = made_by_hand(made, survey)
    own, found = quality_of(facts), by_name([quality_of(facts)])
    assert not own.beats_maximum.any() and np.isnan(own.over_maximum).all()
    assert found["beats the maximum"].measured == 0.0
    assert found["beats the maximum"].met is False, "one unit was not surveyed, the others miss"
    grey = found["is not grey"]
    assert (grey.measured, grey.met, grey.counted, grey.expected) == (1.0, None, 3, 4)
    assert gate_words(grey).endswith("not known, 1 of 4 units were not measured")
    for channel in range(4):
        assert "nan" not in str(table_of(facts, channel))


@pytest.mark.parametrize("maximum", [0.0, -3.0])
def test_maxima_that_are_not_positive_have_no_ratio(maximum: float) -> None:
    """Signed units, and those that no photograph excites: compared, not divided."""
    survey = {name: np.full(2, maximum, np.float32) for name in ("maximum", "p999")}
    made = {"activation": np.array([maximum + 1, maximum - 1], np.float32)}
    facts = made_by_hand(made, survey, activation=None)
    own = quality_of(facts)
    assert own.beats_maximum.tolist() == [True, False] and np.isnan(own.over_maximum).all()
    assert not own.silent.any(), "a signed unit's zero is no silence"
    assert summarised("conv", [own]).over_maximum is None
    assert table_of(facts, 0)["Against the strongest photograph"] == "stronger"
    assert table_of(facts, 1)["Against the strongest photograph"] == "not stronger"


def test_a_sparse_unit_has_a_ratio_to_its_maximum_alone() -> None:
    survey = {"maximum": np.array([4.0], np.float32), "p999": np.array([0.0], np.float32)}
    own = quality_of(made_by_hand({"activation": np.array([6.0], np.float32)}, survey))
    assert own.over_maximum.tolist() == [1.5] and np.isnan(own.over_p999).all()
    assert own.beats_p999.all()


def test_a_picture_that_was_not_stored_is_none() -> None:
    facts = made_by_hand(MADE, SURVEY, pictures=(0,))
    assert quality_of(facts).picture.tolist() == [True] + [False] * 5


# What another panel adds


def test_explanations_are_summed_up_where_they_are() -> None:
    path = np.array([[0.5, 0.7, np.nan], [0.9, np.nan, np.nan]], np.float32)
    scores = {
        "mis_picture": np.array([0.8, np.nan], np.float32),
        "mis_natural": np.array([0.9, 0.7], np.float32),
        "path_picture": path,
        "path_natural": path,
        "path_shuffled": np.full_like(path, np.nan),
    }
    made = {"activation": np.array([2, 2], np.float32)}
    survey = {"maximum": np.ones(2, np.float32), "p999": np.ones(2, np.float32)}
    facts = made_by_hand(made, survey, explanation=scores)
    one = summarised("conv", [quality_of(facts), quality_of(usual())])
    assert one.scores == pytest.approx(
        {"mis_picture": 0.8, "mis_natural": 0.8, "path_picture": 0.75, "path_natural": 0.75}
    )
    words = table_of(facts, 0)
    assert words["Machine interpretability"] == "0.80; photographs 0.90; chance 0.50"
    assert words["Similarity of the path"] == "0.60; photographs 0.60"
    assert "Machine interpretability" not in table_of(facts, 1)


# On pages


def test_a_units_page() -> None:
    facts = usual()
    assert table_of(facts, 0) == {
        "Against the strongest photograph": "3.0 times as strong",
        "Against the top 0.1 % of activations": "6.0 times as strong",
        "Out of distribution": "yes: no photograph excites the unit as much",
        "Rank among the layer's units": "1st of 6",
        "Grey": "no, contrast 0.2",
        "Attempt": "1st: the channel, against its layer",
        "Step kept": "63 of 64",
    }
    words = table_of(facts, 1)
    assert words["Out of distribution"].startswith("no: photographs")
    assert words["Attempt"] == "2nd of 2: with its strongest place on top, in larger steps"
    words = table_of(facts, 2)
    assert words["Out of distribution"] == "yes: no photograph excites the unit at all"
    assert words["Against the strongest photograph"] == "stronger"
    assert table_of(facts, 4) == {"Picture": "none: the ascent failed for this unit"}
    assert table_of(facts, 5)["Grey"] == "yes: it shows nothing, contrast 0.001"


def test_a_layers_page() -> None:
    (figure,) = VisualizationQuality().view_layer(usual())
    assert isinstance(figure, Table)
    words = {row[0]: row[1] for row in figure.rows}
    assert words["Pictures"] == "5 of 6 units"
    assert words["Stronger than any photograph"] == "75.0 % of 4 live units"
    assert words["Median strength, of the strongest photograph"] == "2.0 times"
    assert (words["Grey"], words["Dead"]) == ("1 of 4 live units", "1")
    assert words["Failed"] == "1: channel 4"


# On the command line


def fill(tiny: Tiny) -> Tiny:
    """An atlas with the survey of its network and pictures that were made up."""
    tiny.works("analyse")
    tiny.change(
        analysis__panels=["statistics", "weights", "dataset_examples", "visualization_quality"]
    )
    from lamella.pipeline.plan import DOCUMENT, open_atlas

    store = Store(tiny.work)
    plain = store.read_json(DOCUMENT)
    plain["keys"]["feature_visualization"] = "f" * 64
    store.write_json(DOCUMENT, plain)
    atlas = open_atlas(tiny.config())
    for at, facts in enumerate(atlas.layers()):
        rows = facts.layer.channels
        maximum = facts.of("survey")["maximum"]
        numbers = {
            "activation": np.where(np.arange(rows) == 0, 0.5, 2) * np.abs(maximum) + 0.1 * (at > 0),
            "rank": np.arange(1, rows + 1, dtype=np.int32),
            "contrast": np.full(rows, 0.1, np.float32),
            "dead": np.zeros(rows, np.uint8),
            "tries": np.ones(rows, np.uint8),
            "failed": (np.arange(rows) == rows - 1).astype(np.uint8),
        }
        pictures = [b"x"] * (rows - 1) + [b""]
        atlas.store.folder("feature_visualization", "f" * 64, facts.layer.name).write(
            Shard(tuple(range(rows)), numbers, {"picture": pictures}, {"picture": Sheet(8, 8)})
        )
    return tiny


def test_a_report(tiny: Tiny) -> None:
    output = fill(tiny).works("report")
    assert re.search(r"^0 +4 +3 +3 ", output, re.M) and re.search(
        r"^all +13 +10 +10 ", output, re.M
    )
    assert re.search(
        r"^ranks first in its layer 30\.0 % \(gate 70 %\): missed; units: ", output, re.M
    )
    assert "is not grey 100.0 % (gate 100 %): met" in output
    assert "The ascent failed for 3 units: 0:3, 2:5, 6:2." in output
    assert "MIS" not in output
    assert "feature_visualization" in output.splitlines()[-1], "settings changed since then"


def test_a_report_of_some_layers(tiny: Tiny) -> None:
    fill(tiny)
    output = tiny.works("report", "--layer", "0")
    assert re.search(r"^0 +4 ", output, re.M) and not re.search(r"^(2|6|all) ", output, re.M)
    assert re.search(r"^all +9 ", tiny.works("report", "--layer", "!0"), re.M)
    assert "there is no layer 'conv'" in tiny.fails("report", "--layer", "conv")


def test_a_report_as_json(tiny: Tiny) -> None:
    result = fill(tiny).run("report", "--json", "-")
    assert result.exit_code == 0
    plain = json.loads(result.stdout)
    assert [one["name"] for one in plain["layers"]] == ["0", "2", "6"]
    assert plain["all"]["pictures"] == 10 and plain["all"]["failed"] == ["0:3", "2:5", "6:2"]
    assert {gate["name"]: gate["met"] for gate in plain["gates"]}["is not grey"] is True
    output = tiny.works("report", "--json", str(tiny.folder / "report.json"))
    assert json.loads((tiny.folder / "report.json").read_text()) == plain
    assert re.search(r"^all ", output, re.M)
    (tiny.folder / "file").write_text("")
    assert "Cannot write" in tiny.fails("report", "--json", str(tiny.folder / "file" / "x.json"))


def test_a_report_of_nothing(tiny: Tiny) -> None:
    output = tiny.works("report")
    assert "Nothing was analysed yet" in output and "Run: lamella build" in output
    result = tiny.run("report", "--json", "-")
    assert result.exit_code == 0 and result.stdout == "" and "Nothing was analysed" in result.stderr
    tiny.works("analyse")
    output = tiny.works("report")
    assert "No feature visualization was asked for.\nSee [analysis] panels in" in output
    assert "beats the maximum (gate 99 %): not measured" in output


def test_joined_layers_keep_their_order() -> None:
    one, other = quality_of(usual()), quality_of(made_by_hand({}, SURVEY))
    both = joined([one, other])
    assert both.picture.tolist() == [*one.picture.tolist(), *other.picture.tolist()]
