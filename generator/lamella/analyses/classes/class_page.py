"""The page of one class: what the network looks at when it decides so.

Flow: records, contributions_view -> **class_page** -> view. Imports no torch.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from lamella.analyses.classes import text
from lamella.analyses.classes.contributions_view import units_part
from lamella.analyses.classes.records import ClassRecords
from lamella.analyses.classes.stored import COLUMNS, FULL, IMAGES, MAPS, MEAN, MEAN_SIDE
from lamella.attribution.methods import BY_NAME
from lamella.figures import Cell, Figure, Gallery, Legend, Picture, Table, Tile, heat
from lamella.figures.article import Article, Part
from lamella.figures.format import probability, share_of
from lamella.figures.links import class_slug
from lamella.figures.published import unit_page
from lamella.numbers.upsampling import Maps


@dataclass(frozen=True)
class ClassPage:
    """The page of one class.

    Attributes:
        records: what is stored of all classes.
        output: its number.
    """

    records: ClassRecords
    output: int

    def article(self) -> Article:
        """The whole page."""
        answers, output = self.records.answers, self.output
        count = int(answers.count[output])
        lead = (
            f"The first answer to {text.images(count)} of {answers.images:,}, with a probability "
            f"of {self._share(answers.own_probability)}"
            f"{' on average' if count > 1 else ''}."
        )
        name = answers.short(output)
        before, after = self._neighbours()
        parts = (
            self._short(),
            self._where(),
            self._mean(),
            self._confused(),
            units_part(self.records, output),
        )
        return Article(
            class_slug(output),
            f"Class: {name}" if answers.named else name.capitalize(),
            lead,
            tuple(part for part in parts if part is not None),
            listed=False,
            above=self.records.index,
            before=before,
            after=after,
        )

    def _neighbours(self) -> tuple[Cell | None, Cell | None]:
        """The classes before and after it by name."""
        order = self.records.by_name
        at = order.index(self.output)
        before = self.records.cell(order[at - 1]) if at else None
        return before, self.records.cell(order[at + 1]) if at + 1 < len(order) else None

    def _short(self) -> Part:
        """What its score looks for, and the numbers."""
        records, answers, output = self.records, self.records.answers, self.output
        unit = records.unit(output)
        link = unit_page(records.atlas, unit) if unit is not None else ""
        figures: list[Figure] = []
        picture = records.feature_visualization(output)
        if picture is not None and unit is not None:
            tile = Tile(picture, "What its score looks for", str(unit), link)
            figures.append(Gallery("", (tile,), size="lone"))
        count = int(answers.count[output])
        rows: list[tuple[str | Cell, ...]] = []
        if "," in answers.names[output]:
            rows.append(("All its names", answers.names[output]))
        rows += [
            ("First answer to", text.images(count)),
            ("Second answer to", text.images(int(answers.second_count[output]))),
            ("Mean probability where it is first", self._share(answers.own_probability)),
            ("over all photographs", self._share(answers.mean_probability)),
            ("Mean score where it is first", f"{records.stored['score'][output]:.3g}"),
            *self._labels(),
        ]
        if unit is not None:
            rows.append(("Unit of its score", Cell(str(unit), link)))
        figures.append(Table("", tuple(rows)))
        return Part("In short", (), tuple(figures))

    def _share(self, of: np.ndarray) -> str:
        return probability(float(of[self.output]))

    def _labels(self) -> Iterator[tuple[str | Cell, ...]]:
        """How often photographs with its label are recognised."""
        for label in self.records.answers.labelled(self.output):
            right = f"{label.right:,} of {label.images:,} ({share_of(label.right, label.images)})"
            yield f"Right, of those labelled “{label.name}”", right

    def _where(self) -> Part:
        """The images that are most probably of the class, with Grad-CAM."""
        title = "What it looks at"
        if not self.records.public:
            return Part(title, (text.WITHHELD,))
        paragraphs = [text.where(self.records.head.gradcam_maps)]
        figures: list[Figure] = [Legend("", signed=False, mixed=True, note=text.LEGEND)]
        if self.records.head.no_gradcam:
            paragraphs, figures = [text.UNMAPPED, self.records.head.no_gradcam], []
        figures.append(Gallery("", tuple(self._tiles()), size="mixed"))
        return Part(title, tuple(paragraphs), tuple(figures))

    def _tiles(self) -> Iterator[Tile]:
        records, answers, output = self.records, self.records.answers, self.output
        sheet = records.picture(IMAGES, output, "")
        over = records.picture(MAPS, output, "")
        if sheet is None:
            return
        number, every = int(records.stored["shown"][output]), records.stored["maps"][output]
        shares = answers.top_probability[output].tolist()
        for place, image in enumerate(answers.top_image[output, :number].tolist()):
            photograph = records.atlas.manifest.photographs[image]
            levels = every[place]
            what = f"photograph of “{photograph.label}”" if photograph.label else "photograph"
            picture = replace(_cell(sheet, place, number), alt=f"A {what}.")
            detail = []
            if over is not None:
                where = strongest_place(levels)
                picture = replace(
                    picture,
                    alt=f"A {what}. Grad-CAM: {where}.",
                    over=_cell(over, place, number),
                    reading=heat.read(levels, 0.0, 1.0, f"{{}} {BY_NAME['gradcam'].value}"),
                )
                detail += [] if levels.any() else ["nothing speaks for it"]
            first = records.first_answers.get(image, output)
            if first != output:
                detail.append(f"first answer: {answers.short(first)}")
            caption = probability(shares[place])
            yield Tile(picture, caption, "; ".join(detail), records.image_pages.get(image, ""))

    def _mean(self) -> Part | None:
        """Where in the frame its evidence usually lies."""
        records, output = self.records, self.output
        number, blank = (int(records.stored[name][output]) for name in ("averaged", "blank"))
        hidden = not records.public and number < text.FEW_PRIVATE
        if not number or records.head.no_gradcam or hidden:
            return None
        title, name = "Where that usually is", records.answers.short(output)
        if number + blank == 1:
            return Part(title, (text.SINGLE,))
        own, all_classes = records.stored["mean"][output], records.mean_map
        shown = records.picture(MEAN, output, "") or _inline(own)
        read = _readable(shown, own, name, text.mean_value(other=False))
        tiles = [Tile(read, name, f"mean of {text.images(number)}")]
        of = f"all {len(records.outputs)} classes"
        read = _readable(_inline(all_classes), all_classes, of, text.mean_value(other=True))
        tiles.append(Tile(read, of, "mean of their means"))
        count = int(records.answers.count[output])
        legend = () if records.public else (Legend("", signed=False),)
        averaged = text.averaged(number, count, blank)
        gallery = Gallery("", tuple(tiles), size="maps")
        return Part(title, (averaged,), (*legend, gallery))

    def _confused(self) -> Part | None:
        """What it is confused with, both ways."""
        answers, output = self.records.answers, self.output
        figures = []
        for title, found in (
            ("What others have where it is first", answers.confused_with(output)),
            ("What it has where others are first", answers.taken_for(output)),
        ):
            rows = tuple(
                (self.records.cell(other), Cell(probability(share), bar=share))
                for other, share in found[: len(answers.confused[output])]
            )
            if rows:
                figures.append(Table(title, rows, ("class", "mean probability")))
        figures += [
            Table(
                f"What photographs labelled “{label.name}” are taken for",
                tuple((self.records.cell(c), f"{n:,}") for c, n in label.taken[:5]),
                ("class", "photographs"),
            )
            for label in answers.labelled(output)
        ]
        paragraphs = (text.CONFUSED,) if answers.exact else (text.CONFUSED, text.CONFUSED_SPARSE)
        return Part("What it is confused with", paragraphs, tuple(figures)) if figures else None


def strongest_place(levels: np.ndarray) -> str:
    """Where a map is strongest, for those who cannot see it."""
    if not levels.any():
        return "zero everywhere"
    row, column = np.unravel_index(int(levels.argmax()), levels.shape)
    down = ("top", "middle", "bottom")[3 * int(row) // levels.shape[0]]
    across = ("left", "centre", "right")[3 * int(column) // levels.shape[1]]
    return f"strongest at the {down} {across}"


def _cell(sheet: Picture, place: int, cells: int) -> Picture:
    """A cell of a sheet of photographs or of their maps."""
    return replace(sheet, cell=place, columns=COLUMNS, rows=-(-cells // COLUMNS))


def _readable(picture: Picture, values: Maps, of: str, reading: str) -> Picture:
    """A mean map with the numbers behind it."""
    levels = np.rint(values.clip(0, 1) * FULL).astype(np.uint8)
    alt = f"Mean Grad-CAM of {of}: {strongest_place(levels)}."
    return replace(picture, alt=alt, reading=heat.read(levels, 0.0, 1.0, reading))


def _inline(values: Maps) -> Picture:
    """A mean map as a picture that the page itself holds."""
    return Picture(_source(values.tobytes(), values.shape), "", MEAN_SIDE, MEAN_SIDE)


@lru_cache(maxsize=4)  # all pages show that of all classes
def _source(values: bytes, shape: tuple[int, int]) -> str:
    from lamella.figures.encoding import lossless

    maps = np.frombuffer(values, np.float32).reshape(shape)
    content = lossless(heat.picture(maps, 1.0, signed=False, side=MEAN_SIDE), 2)
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}"
