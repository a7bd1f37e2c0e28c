"""The page of one class: what the network looks at when it decides so.

Flow: store -> book -> **page** -> panels/class_pages.py. Imports no torch.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from lamella.analyses.classes import text as words
from lamella.analyses.classes.contributions_view import units_part
from lamella.analyses.classes.facts import Book
from lamella.analyses.classes.stored import COLUMNS, FULL, IMAGES, MAPS, MEAN, MEAN_SIDE
from lamella.attribution.methods import BY_NAME
from lamella.figures import Cell, Figure, Gallery, Legend, Picture, Table, Tile, heat
from lamella.figures.article import Article, Part
from lamella.figures.format import probability, share_of
from lamella.figures.links import class_slug
from lamella.figures.published import unit_page
from lamella.numbers.upsampling import Maps


@dataclass(frozen=True)
class Page:
    """The page of one class.

    Attributes:
        book: what all pages rest on.
        output: its number.
    """

    book: Book
    output: int

    def article(self) -> Article:
        """The whole page."""
        known, output = self.book.answers, self.output
        count = int(known.count[output])
        lead = (
            f"The first answer to {words.images(count)} of {known.images:,}, with a probability of "
            f"{probability(float(known.own_probability[output]))}"
            f"{' on average' if count > 1 else ''}."
        )
        before, after = self._neighbours()
        parts = (
            self._short(),
            self._where(),
            self._mean(),
            self._confused(),
            units_part(self.book, output),
        )
        return Article(
            class_slug(output),
            f"Class: {known.short(output)}" if known.named else known.short(output).capitalize(),
            lead,
            tuple(part for part in parts if part is not None),
            listed=False,
            above=self.book.home,
            before=before,
            after=after,
        )

    def _neighbours(self) -> tuple[Cell | None, Cell | None]:
        """The classes before and after it by name."""
        order = self.book.by_name
        at = order.index(self.output)
        before = self.book.cell(order[at - 1]) if at else None
        return before, self.book.cell(order[at + 1]) if at + 1 < len(order) else None

    def _short(self) -> Part:
        """What its score looks for, and the numbers."""
        book, known, output = self.book, self.book.answers, self.output
        unit = book.unit(output)
        figures: list[Figure] = []
        logit = book.logit(output)
        if logit is not None and unit is not None:
            tile = Tile(logit, "What its score looks for", str(unit), unit_page(book.atlas, unit))
            figures.append(Gallery("", (tile,), size="lone"))
        count = int(known.count[output])
        rows: list[tuple[str | Cell, ...]] = []
        if "," in known.names[output]:
            rows.append(("All its names", known.names[output]))
        rows += [
            ("First answer to", words.images(count)),
            ("Second answer to", words.images(int(known.second_count[output]))),
            ("Mean probability where it is first", self._share(known.own_probability)),
            ("over all photographs", self._share(known.mean_probability)),
            ("Mean score where it is first", f"{book.stored['score'][output]:.3g}"),
            *self._labels(),
        ]
        if unit is not None:
            rows.append(("Unit of its score", Cell(str(unit), unit_page(book.atlas, unit))))
        figures.append(Table("", tuple(rows)))
        return Part("In short", (), tuple(figures))

    def _share(self, of: np.ndarray) -> str:
        return probability(float(of[self.output]))

    def _labels(self) -> Iterator[tuple[str | Cell, ...]]:
        """How often photographs with its label are recognised."""
        for label in self.book.answers.labelled(self.output):
            right = f"{label.right:,} of {label.images:,} ({share_of(label.right, label.images)})"
            yield f"Right, of those labelled “{label.name}”", right

    def _where(self) -> Part:
        """The images that are most probably of the class, with Grad-CAM."""
        title = "What it looks at"
        if not self.book.public:
            return Part(title, (words.WITHHELD,))
        text = [words.where(self.book.notes.maps)]
        figures: list[Figure] = [Legend("", signed=False, mixed=True, note=words.LEGEND)]
        if self.book.notes.gradcam:
            text, figures = [words.UNMAPPED, self.book.notes.gradcam], []
        figures.append(Gallery("", tuple(self._tiles()), size="mixed"))
        return Part(title, tuple(text), tuple(figures))

    def _tiles(self) -> Iterator[Tile]:
        book, known, output = self.book, self.book.answers, self.output
        sheet = book.picture(IMAGES, output, "")
        over = book.picture(MAPS, output, "")
        if sheet is None:
            return
        number, every = int(book.stored["shown"][output]), book.stored["maps"][output]
        shares = known.top_probability[output].tolist()
        for place, image in enumerate(known.top_image[output, :number].tolist()):
            photograph = book.atlas.manifest.photographs[image]
            levels = every[place]
            what = f"photograph of “{photograph.label}”" if photograph.label else "photograph"
            picture = replace(_cell(sheet, place, number), alt=f"A {what}.")
            detail = []
            if over is not None:
                where = heat_words(levels)
                picture = replace(
                    picture,
                    alt=f"A {what}. Grad-CAM: {where}.",
                    over=_cell(over, place, number),
                    reading=heat.read(levels, 0.0, 1.0, f"{{}} {BY_NAME['gradcam'].value}"),
                )
                detail += [] if levels.any() else ["nothing speaks for it"]
            first = book.first.get(image, output)
            if first != output:
                detail.append(f"first answer: {known.short(first)}")
            caption = probability(shares[place])
            yield Tile(picture, caption, "; ".join(detail), book.decisions.get(image, ""))

    def _mean(self) -> Part | None:
        """Where in the frame its evidence usually lies."""
        book, output = self.book, self.output
        number, blank = (int(book.stored[name][output]) for name in ("averaged", "blank"))
        hidden = not book.public and number < words.FEW_PRIVATE
        if not number or book.notes.gradcam or hidden:
            return None
        title, name = "Where that usually is", book.answers.short(output)
        if number + blank == 1:
            return Part(title, (words.SINGLE,))
        own, usual = book.stored["mean"][output], book.usual
        shown = book.picture(MEAN, output, "") or _held(own)
        read = _readable(shown, own, name, words.mean_value(other=False))
        tiles = [Tile(read, name, f"mean of {words.images(number)}")]
        of = f"all {len(book.outputs)} classes"
        read = _readable(_held(usual), usual, of, words.mean_value(other=True))
        tiles.append(Tile(read, of, "mean of their means"))
        count = int(book.answers.count[output])
        legend = () if book.public else (Legend("", signed=False),)
        text = words.averaged(number, count, blank)
        gallery = Gallery("", tuple(tiles), size="maps")
        return Part(title, (text,), (*legend, gallery))

    def _confused(self) -> Part | None:
        """What it is confused with, both ways."""
        known, output = self.book.answers, self.output
        figures = []
        for title, found in (
            ("What others have where it is first", known.confused_with(output)),
            ("What it has where others are first", known.taken_for(output)),
        ):
            rows = tuple(
                (self.book.cell(other), Cell(probability(share), bar=share))
                for other, share in found[: len(known.confused[output])]
            )
            if rows:
                figures.append(Table(title, rows, ("class", "mean probability")))
        figures += [
            Table(
                f"What photographs labelled “{label.name}” are taken for",
                tuple((self.book.cell(c), f"{n:,}") for c, n in label.taken[:5]),
                ("class", "photographs"),
            )
            for label in known.labelled(output)
        ]
        text = (words.CONFUSED,) if known.exact else (words.CONFUSED, words.CONFUSED_SPARSE)
        return Part("What it is confused with", text, tuple(figures)) if figures else None


def heat_words(levels: np.ndarray) -> str:
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


def _readable(picture: Picture, values: Maps, of: str, said: str) -> Picture:
    """A mean map with the numbers behind it."""
    levels = np.rint(values.clip(0, 1) * FULL).astype(np.uint8)
    alt = f"Mean Grad-CAM of {of}: {heat_words(levels)}."
    return replace(picture, alt=alt, reading=heat.read(levels, 0.0, 1.0, said))


def _held(values: Maps) -> Picture:
    """A mean map as a picture that the page itself holds."""
    return Picture(_source(values.tobytes(), values.shape), "", MEAN_SIDE, MEAN_SIDE)


@lru_cache(maxsize=4)  # all pages show that of all classes
def _source(values: bytes, shape: tuple[int, int]) -> str:
    from lamella.figures.encoding import lossless

    maps = np.frombuffer(values, np.float32).reshape(shape)
    content = lossless(heat.picture(maps, 1.0, signed=False, side=MEAN_SIDE), 2)
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}"
