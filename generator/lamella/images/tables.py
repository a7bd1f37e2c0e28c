"""Images in the rows of parquet and arrow files, as Hugging Face's `datasets` writes them.

Flow: entries -> **tables** -> finding. Of parquet files one row group is read at a time, and a few
are kept; an arrow file is mapped into memory. Neither grows with the number of images.
"""

import json
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, Protocol

from lamella.errors import ImagesError, said
from lamella.images.entries import MOST_BYTES, Candidate, Container, Entry, Found, other_file, text

TABLES = (".parquet", ".arrow")
KEPT = 400_000_000  # bytes of row groups that are kept
MOST_GROUP = 1 << 30  # bytes of images in a row group, which is read as a whole
IMAGES = ("image", "img", "jpg", "png", "picture", "photo")  # columns, best first
LABELS = ("label", "labels", "class", "category", "target", "cls")


class _Rows(Protocol):
    """A column of images."""

    def row(self, at: int) -> Any:
        """What a row holds: bytes, or a struct of bytes and perhaps a path."""
        ...


@dataclass(frozen=True, slots=True)
class Row(Entry):
    """An image in a table, in the row of its `place`."""

    rows: _Rows

    def read(self) -> bytes:
        try:
            value = self.rows.row(self.place)
        except Exception as error:  # unreadable tables raise almost anything
            why = f"{type(error).__name__}: {said(error)}"
            if self.container:  # the reason is published; the path is private
                why = why.replace(str(self.container.path), self.container.path.name)
            raise OSError(why) from error
        content = value.get("bytes") if isinstance(value, dict) else value
        if not content:
            raise OSError("its row holds no bytes")
        if len(content) > MOST_BYTES:
            raise OSError(f"{len(content):,} bytes are too many")
        return bytes(content)


class _Parquet:
    """A column of a parquet file; of all of them together a few row groups are kept."""

    _recent: ClassVar[OrderedDict[tuple[Container, int], Any]] = OrderedDict()
    _lock = Lock()  # one row group at a time is read, by whoever comes first

    def __init__(self, container: Container, column: str, nested: bool):
        import pyarrow.parquet

        self.container = container
        self.leaf = f"{column}.bytes" if nested else column
        with pyarrow.parquet.ParquetFile(container.path) as file:
            self.metadata = file.metadata
        groups = [self.metadata.row_group(at) for at in range(self.metadata.num_row_groups)]
        self.ends = list(accumulate(group.num_rows for group in groups))
        for group in groups:
            columns = (group.column(at) for at in range(group.num_columns))
            size = sum(c.total_uncompressed_size for c in columns if c.path_in_schema == self.leaf)
            if size > MOST_GROUP:
                raise ImagesError(
                    f"{container.path} has a row group of {size / 1e9:.1f} GB, which is more than "
                    "can be read at once.",
                    "Write it anew in smaller ones: pyarrow.parquet.write_table(table, path, "
                    "row_group_size=100).",
                )

    def row(self, at: int) -> Any:
        number = bisect_right(self.ends, at)
        first = self.ends[number - 1] if number else 0
        with self._lock:
            return self._group(number)[at - first].as_py()

    def _group(self, number: int) -> Any:
        import pyarrow.parquet

        key = (self.container, number)
        if key in self._recent:
            self._recent.move_to_end(key)
            return self._recent[key]
        path, metadata = self.container.path, self.metadata
        with pyarrow.parquet.ParquetFile(path, metadata=metadata) as file:
            group = file.read_row_group(number, columns=[self.leaf]).column(0)
        self._recent[key] = group
        while len(self._recent) > 1 and sum(one.nbytes for one in self._recent.values()) > KEPT:
            self._recent.popitem(last=False)
        return group


class _Arrow:
    """A column of an arrow file that is mapped into memory."""

    def __init__(self, column: Any):
        column.validate(full=True)
        self.column = column

    def row(self, at: int) -> Any:
        return self.column[at].as_py()


def is_table(path: Path) -> bool:
    """Whether a file's name says that it is a table."""
    return path.suffix.lower() in TABLES


def in_table(path: Path, name: str) -> Found:
    """The images of a table, in the order of its rows; those of a file without images are none.

    Args:
        name: the file's, as pages show it.
    Raises:
        ImagesError: it cannot be read piece by piece.
    """
    found = Found()
    if not find_spec("pyarrow"):
        found.passed[other_file(path.suffix)] += 1
        return found
    if path.name.startswith("cache-"):  # what `datasets` computed once, beside its data
        found.passed["cached table"] += 1
        return found
    try:
        images, labels, number = (_parquet if path.suffix.lower() == ".parquet" else _arrow)(path)
    except ImagesError:
        raise
    except Exception:  # unreadable tables raise almost anything
        found.passed["unreadable table"] += 1
        return found
    if images is None:
        found.passed["table without images"] += 1
        return found
    container = Container.of(path)
    for at in range(number):
        row = f"{name}/{at}"
        label = labels[at] if labels else ""
        found.images.append(Candidate(Row(row, container, at, images), row, "", label))
    return found


Columns = tuple[_Rows | None, list[str], int]


def _parquet(path: Path) -> Columns:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
        image, label, names = _chosen(schema)
        if image is None:
            return None, [], 0
        values = file.read(columns=[label]).column(0).to_pylist() if label else []
    nested = pyarrow.types.is_struct(schema.field(image).type)
    images = _Parquet(Container.of(path), image, nested)
    return images, _texts(values, names), rows


def _arrow(path: Path) -> Columns:
    import pyarrow.ipc

    table = pyarrow.ipc.open_stream(pyarrow.memory_map(str(path))).read_all()
    image, label, names = _chosen(table.schema)
    if image is None:
        return None, [], 0
    values = table.column(label).to_pylist() if label else []
    return _Arrow(table.column(image)), _texts(values, names), table.num_rows


def _chosen(schema: Any) -> tuple[str | None, str, list[str]]:
    """Of a table's columns: that of images, that of labels ("" for none), and the labels' names."""
    noted = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    features = noted.get("info", {}).get("features", {})
    kinds = {name: each.get("_type") for name, each in features.items() if isinstance(each, dict)}
    holds = [field.name for field in schema if _holds_images(field.type)]
    images = [name for name in holds if kinds.get(name) == "Image"] or holds
    image = _best(images, IMAGES)
    if image is None or (len(images) > 1 and image not in IMAGES and kinds.get(image) != "Image"):
        return None, "", []
    labels = [field.name for field in schema if _holds_labels(field.type)]
    classes = [name for name in labels if kinds.get(name) == "ClassLabel"]
    label = _best(classes or [name for name in labels if name in LABELS], LABELS) or ""
    return image, label, list(features[label].get("names") or []) if label in classes else []


def _best(names: list[str], known: tuple[str, ...]) -> str | None:
    """Of these names the best known, else the first."""
    return next((name for name in known if name in names), next(iter(names), None))


def _holds_images(kind: Any) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        at = kind.get_field_index("bytes")
        return at >= 0 and _holds_images(kind.field(at).type)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _holds_labels(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_string(kind) or types.is_large_string(kind))


def _texts(values: list[Any], names: list[str]) -> list[str]:
    """Labels as text: a class' name, or what stands there; "" for what is missing."""

    def one(value: Any) -> str:
        if value is None or value == -1:
            return ""
        return text(str(names[value])) if names and 0 <= value < len(names) else text(str(value))

    return [one(value) for value in values]
