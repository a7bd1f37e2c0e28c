"""Facts to HTML: a site that opens by double-click, and is the same bytes every time.

Flow: store -> facts -> **pages** -> the output folder. Imports no torch. Here is the order of the
work, and what each part depends on; drawing.py makes the files, publish.py writes them. Pages of
one layer depend on nothing that other layers still compute, so a finished layer renews itself and
the few pages of the whole network.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lamella.analyses.panel import Panel
from lamella.config.digest import digest_of
from lamella.site import network_sections, resources, sprites
from lamella.site.citation import About
from lamella.site.drawing import Drawing
from lamella.site.home import write_home
from lamella.site.publish import Note, Site
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.lock import Tell

__all__ = ["About", "Rendered", "render"]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What one rendering did: pages and bytes of the whole site, files of this run."""

    pages: int
    written: int
    deleted: int
    unchanged: int
    bytes: int


def render(
    about: About,
    atlas: Atlas,
    panels: Sequence[Panel],
    out: Path,
    progress: Callable[[int, int], None] | None = None,
    tell: Tell = lambda text: None,
) -> Rendered:
    """Write the site of an atlas, as far as it is computed.

    Args:
        progress: called after each layer with units done and units in all.
        tell: is told for whom is waited, and what was found damaged.
    Raises:
        SiteError: the output folder is not ours or cannot be written.
        StoreError: the work folder is damaged.
    """
    with Site(out, tell) as site:
        _write(Drawing(about, atlas, panels), site, progress or (lambda done, total: None))
    files = site.files
    return Rendered(
        pages=sum(path.endswith(".html") for path in files),
        written=site.written,
        deleted=site.deleted,
        unchanged=site.unchanged,
        bytes=sum(record[0] for record in files.values()),
    )


def _write(drawing: Drawing, site: Site, progress: Callable[[int, int], None]) -> None:
    """Every group of files, in the order in which a reader misses them least."""
    atlas = drawing.atlas
    common = _common(drawing)
    site.group("assets", common, drawing.assets)
    if "photographs" in atlas.keys and atlas.publish == "whole":
        folder = atlas.store.folder("photographs", atlas.keys["photographs"])
        inputs = digest_of([atlas.network.name, folder.fingerprint])
        site.group("photographs", inputs, lambda write: drawing.photographs(write, folder))
    network_sections.write_pictures(drawing, site)
    notes: dict[str, Note] = {}
    fingerprints = network_sections.Fingerprints(drawing.panels)
    done = 0
    for facts in atlas.layers():
        notes[facts.layer.name] = _write_layer(drawing, site, facts, common)
        fingerprints.note({name: folder.fingerprint for name, folder in facts.folders.items()})
        done += facts.layer.channels
        progress(done, atlas.network.units)
    words = digest_of([common, [note["labels"] for note in notes.values()]])
    site.group("search", words, lambda write: drawing.search(write, notes))
    site.group("map", common, drawing.map)
    site.group("methods", common, drawing.methods)
    listed = digest_of([common, [note["listed"] for note in notes.values()]])
    site.group("data", listed, lambda write: drawing.data(write, notes))
    of_network = network_sections.write_sections(drawing, site, common, fingerprints)
    so_far = digest_of([common, notes, asdict(of_network)])
    site.group("overview", so_far, lambda write: write_home(drawing, write, notes, of_network))


def _write_layer(drawing: Drawing, site: Site, facts: LayerFacts, common: str) -> Note:
    """One layer; its sprites apart, since they take longest and depend on less."""
    name = facts.layer.name
    thumbs = [facts.folders[p].fingerprint for p in sprites.SOURCES if p in facts.folders]
    network, publish = facts.network.name, facts.atlas.publish
    inputs = digest_of([sprites.VERSION, network, name, facts.layer.channels, publish, thumbs])
    site.group(f"sprites/{name}", inputs, lambda write: drawing.sprites(write, facts))
    inputs = digest_of([common, facts.fingerprint])
    return site.group(f"layer/{name}", inputs, lambda write: drawing.layer(write, facts))


def _common(drawing: Drawing) -> str:
    """Digest of what all pages depend on: the code, the atlas, what was computed of the whole."""
    about, atlas, panels = drawing.about, drawing.atlas, drawing.panels
    network = asdict(atlas.network) | {
        "layers": [layer.as_dict() for layer in atlas.network.layers],
        "preprocessing": dict(atlas.network.preprocessing),
    }
    of_network = [
        atlas.store.folder(panel.name, atlas.keys[panel.name]).fingerprint
        for panel in panels
        if panel.per == "network" and panel.name in atlas.keys
    ]
    return digest_of(
        [
            resources.code_digest(type(panel) for panel in panels),
            asdict(about),
            network,
            [asdict(atlas.manifest), atlas.publish, dict(atlas.keys)],
            [[panel.name, panel.title, panel.about, panel.version] for panel in panels],
            of_network,
        ]
    )
