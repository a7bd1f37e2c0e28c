"""The sentences of the pages on the space of images.

Flow: **text** -> view. Every number in them is of this atlas: counted, or a limit that was set.
"""

from __future__ import annotations

from lamella.analyses.image_embeddings.features import SIDE
from lamella.analyses.image_embeddings.scatter import ROOM
from lamella.analyses.image_embeddings.stored import Notes

METHODS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
PIXEL = 4 * 4 / 3  # bytes: four channels, and a third more for the smaller sizes
NEIGHBOURLY = 4  # of the costs, those of neighbours
KINDS = {"l2": "L2", "cosine": "Cosine", "pixels": "Pixels"}


def lead(notes: Notes) -> str:
    """Of the page of maps."""
    return (
        f"{notes['images']:,} photographs, laid out by what a network sees in them: alike beside "
        "alike, as maps to zoom into, and as grids that leave no gaps."
    )


def nearest_lead() -> str:
    """Of the page of neighbours."""
    return "What the network finds alike, beside what only has like colours at the same places."


def compared(notes: Notes) -> tuple[str, ...]:
    """What the features are."""
    layers = " and ".join(notes["layers"])
    what = (
        f"That is what the network's last layer reads: the activations of {layers}"
        if notes["last"]
        else f"That is the activations of {layers}"
    )
    return (
        f"An image's features are {notes['dimensions']:,} numbers, one for each channel. {what}, "
        "each averaged over all positions of the image. So the maps know what is in an image, and "
        "nothing of where.",
    )


def method(name: str, notes: Notes) -> tuple[str, ...]:
    """What a method does, and how to read its plane."""
    return {"pca": _pca, "tsne": _tsne, "umap": _umap}[name](notes)


def _pca(notes: Notes) -> tuple[str, ...]:
    two = sum(notes["explained"][:2])
    many = len(notes["explained"])
    more = ""
    if many > 2:
        more = f" The first {many} axes keep {_percent(sum(notes['explained']))}."
    return (
        f"PCA from {notes['dimensions']:,} dimensions to {min(2, many)} keeps {_percent(two)} of "
        f"the variance.{more} It is a shadow: images that lie far apart here are at least as far "
        "apart in truth, but those that fall together need not be alike.",
    )


def _tsne(notes: Notes) -> tuple[str, ...]:
    return (
        f"t-SNE of the first {len(notes['explained'])} principal axes, which keep "
        f"{_percent(sum(notes['explained']))} of the variance; begun from PCA. It keeps near "
        "neighbours near, by Euclidean distance. The sizes of groups and the distances between "
        "them mean little.",
    )


def _umap(notes: Notes) -> tuple[str, ...]:
    return (
        f"UMAP of all {notes['dimensions']:,} dimensions, by the angle between feature vectors "
        "(cosine), begun from PCA. Groups are drawn together and gaps between them are wider than "
        "they are in truth.",
    )


def no_map(notes: Notes) -> tuple[str, ...]:
    """Why there is none."""
    if notes["images"] < 2:
        return ("There is a single image: it takes two to be near or far.",)
    return ("All images have the same features, so that none is nearer to another than the rest.",)


def alt(title: str, kind: str, number: int) -> str:
    """What a picture shows, for those who cannot see it."""
    shape = "Map" if kind == "map" else "Grid"
    return f"{shape} of {number:,} photographs by {title}"


def zoom_title(title: str, kind: str) -> str:
    """Above a map or a grid."""
    return f"{title}, every image at its place" if kind == "map" else f"{title}, as a filled grid"


def zoom_note(kind: str, number: int, notes: Notes) -> str:
    """Below a map or a grid."""
    sample = ""
    if notes["shown"] < notes["images"]:
        sample = f"A random sample of {notes['shown']:,} of {notes['images']:,} images. "
    if kind == "grid":
        return sample + (
            "The map, pulled apart until every cell holds one image and every image has one cell; "
            "of all ways to do so, the one that moves them least (squared distances, solved "
            "exactly)."
        )
    left = notes["shown"] - number
    are = "is" if left == 1 else "are"
    gone = (
        f" {left:,} of {notes['shown']:,} found no room and {are} left out."
        if left
        else " None is left out."
    )
    return sample + (
        "Where it is crowded, thumbnails are smaller, or moved aside by at most "
        f"{notes['limits']['thumbnail']} pixels of the full size." + gone
    )


def kept() -> tuple[str, ...]:
    """How to read the table of what maps keep."""
    return (
        "No plane has room for so many dimensions. Of the ten images whose features are nearest to "
        "an image's own, by Euclidean distance, so many are among the ten nearest on the map:",
    )


def distances(notes: Notes) -> tuple[str, ...]:
    """The three kinds of distance, and how neighbours were found."""
    how = (
        "Neighbours are exact: every image was compared with every other."
        if notes["exact"]
        else f"With more than {notes['limits']['exact']:,} images neighbours are approximate "
        "(pynndescent): now and then a nearer one is missed."
    )
    return (
        f"L2 and cosine compare features, the {notes['dimensions']:,} mean activations of "
        f"{' and '.join(notes['layers'])}: L2 is the Euclidean distance, cosine the angle, which "
        "does not care how strong the activations are in all. Pixels is the Euclidean distance "
        f"between the photographs themselves, scaled to {SIDE} by {SIDE} pixels.",
        how,
    )


def agreement(notes: Notes) -> str:
    """Below the table of labels."""
    labels = notes["agreement"]
    return (
        f"Over the {labels['images']:,} labelled images and the {notes['nearest']} nearest of "
        "each. A label is a word for a whole photograph; neighbours may be alike in another way."
    )


def neighbours(notes: Notes) -> tuple[str, ...]:
    """Above the rows."""
    return (
        f"{len(notes['queries'])} photographs, spread over the labels. Each stands in front of its "
        f"{notes['nearest']} nearest, the nearest first: by L2, by cosine, and by pixels.",
    )


def scales(notes: Notes) -> tuple[str, ...]:
    """How the work grows."""
    limits = notes["limits"]
    return (
        "Only the pass over the images and the search for neighbours touch all of them. Nothing "
        "that grows faster than n log n is done for more than a fixed number. Images are numbered "
        f"by a digest of their content, so the first {limits['mapped']:,}, laid out, and the first "
        f"{limits['shown']:,}, drawn, are random samples of all. The numbers for a "
        "million images are computed, not measured.",
    )


def costs(notes: Notes) -> tuple[tuple[str, ...], ...]:
    """Step, growth, memory, limit; true to what computes them."""
    limits, dimensions = notes["limits"], notes["dimensions"]
    exact, mapped, shown = limits["exact"], limits["mapped"], limits["shown"]
    million = 10**6
    features = _bytes(4 * dimensions * million)
    pixels = _bytes(4 * SIDE * SIDE * 3 * million)
    laid = _bytes(8 * dimensions * mapped)
    side = limits["thumbnail"]
    return (
        (
            "features, one pass",
            "linear",
            f"{features} for a million, on disk above 1 GiB",
            "none",
        ),
        (
            f"{SIDE} by {SIDE} pixels",
            "linear",
            f"{pixels} for a million, likewise",
            "none",
        ),
        (
            "nearest neighbours, exact",
            "quadratic",
            "blocks of distances",
            f"up to {exact:,} images",
        ),
        (
            "nearest neighbours, approximate",
            "about n log n",
            "a graph, some 20 neighbours an image",
            f"from {exact + 1:,} images",
        ),
        (
            "PCA",
            "linear",
            f"{laid} at most",
            f"a sample of {mapped:,}",
        ),
        (
            "t-SNE, UMAP",
            "about n log n",
            "a graph of neighbours",
            f"a sample of {mapped:,}; others are left out",
        ),
        (
            "maps",
            "linear",
            f"{_bytes(PIXEL * ROOM * side * side * min(shown, mapped))} at most",
            f"a sample of {min(shown, mapped):,}",
        ),
        (
            "grids",
            "cubic",
            f"{_bytes(8 * min(shown, mapped) ** 2)} at most",
            f"a sample of {min(shown, mapped):,}",
        ),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\u00a0%"


def _bytes(number: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if number >= 10 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
