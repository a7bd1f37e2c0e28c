"""Network dissection: which units mark a concept that people have a word for.

Source: Bau, Zhou, Khosla, Oliva and Torralba 2017, "Network Dissection", arXiv:1704.05796. How it
is counted stands in `lamella.dissecting`; this file stores and shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamella.analyses.dissection import tables
from lamella.analyses.dissection.articles import articles
from lamella.analyses.dissection.concept_page import scenes_of
from lamella.analyses.dissection.settings import Options
from lamella.analyses.dissection.stored import DOCUMENT, PANEL, Found, Report
from lamella.analyses.panel import Panel, Settings
from lamella.figures import Cell, Figure, Gallery, Table, Tile, short
from lamella.figures.article import Article
from lamella.figures.published import thumbnail, unit_page, unit_picture
from lamella.network.units import Layer, Unit
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job

WITHOUT = (
    "This unit has no threshold: it is above zero at fewer than one position in 200, or hardly "
    "varies."
)


class Dissection(Panel):
    """Five concepts per unit with their IoU, the one that it detects, and its strongest scenes."""

    name = PANEL
    title = "Network dissection"
    about = (
        "Does the unit mark something that people have a word for? Where its map lies above the "
        "threshold that it exceeds at one position in 200 is compared with where each concept is: "
        "intersection over union (IoU). The concept is chosen on one set of images and measured on "
        "another."
    )
    uses_images = True
    uses_seed = True
    photographic = frozenset({"scenes"})
    settings = Options

    def keyed(self, settings: Settings, path: Callable[[str], Path]) -> Mapping[str, Any]:
        from lamella.analyses.dissection.scenes import digest_of_folder

        plain = settings.model_dump(mode="json")
        if plain["scenes"] is not None:
            plain["scenes"] = digest_of_folder(path(plain["scenes"]))
        return plain

    def check(self, job: Job) -> None:
        if job.recall(DOCUMENT) is None:
            from lamella.analyses.dissection.compute import labelled

            labelled(job).check()

    def compute(self, job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
        for _, shard in self.compute_layers(job, [(layer, channels)]):
            yield shard

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        from lamella.analyses.dissection.compute import shards

        return shards(job, todo)

    def labels(self, facts: LayerFacts) -> Sequence[str]:
        report, found = Report.of(facts.atlas), Found.of(facts)
        if report is None or found is None:
            return ()
        return [report.concepts[at].name if at >= 0 else "" for at in found.trained.tolist()]

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        own, report = facts.of(self.name), Report.of(facts.atlas)
        if report is None or not own.present[channel] or "concept" not in own.numbers:
            return ()
        if not own["live"][channel]:
            return (Gallery("", (), note=WITHOUT),)
        ranked = [at for at in own["concept"][channel].tolist() if at >= 0]
        if not ranked:
            return (
                Gallery("", (), note="No concept lies where this unit is above its threshold."),
            )
        detects = int(own["detects"][channel])
        rows = tuple(
            (
                Cell(str(report.concepts[at]), tables.concept_link(facts.atlas, report, at)),
                f"{own['measured'][channel, place]:.3f}",
                f"{own['chosen'][channel, place]:.3f}",
            )
            for place, at in enumerate(ranked)
        )
        threshold, share = (float(own[name][channel]) for name in ("threshold", "share"))
        above = f"It lies above {short(threshold)} at {share:.2%} of the positions."
        limit = report.plain["iou"]
        if detects >= 0:
            concept = report.concepts[detects]
            iou = float(own["measured"][channel, 0])
            note = f"A detector of {concept}: IoU {iou:.3f}, more than {limit:g}. {above}"
        else:
            best = report.concepts[ranked[0]]
            note = f"No detector: the IoU with {best.name} is not above {limit:g}. {above}"
        table = Table(
            "",
            rows,
            head=("Concept", "IoU", "where it was chosen"),
            note=note,
        )
        unit = Unit(facts.layer.name, channel)
        sheet = unit_picture(facts, self.name, "scenes", channel, "")
        if sheet is None:
            return (table,)
        cells = own.sheets["scenes"]
        shown = scenes_of(sheet, cells.columns, unit, "What it marks on its strongest scenes")
        return (table, shown)

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        report, found = Report.of(facts.atlas), Found.of(facts)
        if report is None or found is None or not any(report.allowed):
            return ()
        atlas = facts.atlas
        figures: list[Figure] = [tables.numbers(report, [found])]
        for kind in report.kinds:
            detectors = [
                (report.concepts[at].name, int(channel))
                for channel, at in enumerate(found.trained.tolist())
                if at >= 0 and report.concepts[at].kind == kind
            ]
            tiles = tuple(
                Tile(
                    thumbnail(atlas, Unit(facts.layer.name, channel)),
                    name,
                    f"{found.iou[channel]:.2f}",
                    link=unit_page(atlas, Unit(facts.layer.name, channel)),
                )
                for name, channel in sorted(
                    detectors, key=lambda pair: (pair[0], -found.iou[pair[1]], pair[1])
                )
            )
            if tiles:
                figures.append(
                    Gallery(f"Detectors of the kind “{kind}”, by concept", tiles, size="small")
                )
        return tuple(figures)

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        report, found = self._all(atlas)
        if report is None or not found or not any(report.allowed):
            return ()
        table = tables.numbers(report, found)
        rows = (*table.rows, ("More", tables.overview_link(atlas)))
        return (tables.chart(report, found), Table("", rows, head=table.head, note=table.note))

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        report, found = self._all(atlas)
        return articles(atlas, report, found) if report is not None and found else ()

    def _all(self, atlas: Atlas) -> tuple[Report | None, list[Found]]:
        """What is known of all layers."""
        report = Report.of(atlas)
        if report is None:
            return None, []
        every = (Found.of(facts) for facts in atlas.layers())
        return report, [found for found in every if found is not None]
