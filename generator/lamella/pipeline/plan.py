"""What a config asks for, in the store's terms: panels, keys, and the atlas that was analysed.

Flow: config -> **plan** -> pipeline and pages. Imports no torch: pages are rendered without it.
"""

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from lamella.analyses import known_panels
from lamella.analyses.panel import Panel, Settings
from lamella.config.config import Config
from lamella.config.digest import digest_of
from lamella.config.selection import chosen, now_called
from lamella.config.validation import validated
from lamella.errors import ConfigError, StoreError, did_you_mean
from lamella.images.manifest import Manifest, Photograph
from lamella.network.description import Network
from lamella.network.units import Layer
from lamella.store.documents import FORMAT
from lamella.store.facts import Atlas
from lamella.store.store import Store, document

DOCUMENT = "atlas.json"
SURVEY_VERSION = 4
SURVEYED = ("survey", "labels")  # what the pass over the images stores, under a key each


@dataclass(frozen=True, slots=True)
class Step:
    """A panel, for a layer or ("") for the whole network."""

    panel: str
    layer: str = ""


def panels_of(config: Config) -> list[tuple[Panel, Settings]]:
    """The panels that a config asks for, in page order, each with its settings.

    Raises:
        ConfigError: the config sets a panel that does not exist, or a setting that it lacks.
    """
    known = {panel.name: panel for panel in known_panels()}
    renamed = {old: panel.name for panel in known.values() for old in panel.formerly}
    for name in config.panels:
        if name not in known and name in renamed:
            old, new = f"panels.{name}", f"panels.{renamed[name]}"
            raise ConfigError(*now_called(str(config.file), "section", old, new))
        if name not in known:
            raise ConfigError(
                f"{config.file}: unknown panel 'panels.{name}'.",
                did_you_mean(name, known, otherwise=f"Known: {', '.join(known)}."),
            )
    where = f"{config.file}: [analysis] panels"
    patterns = config.analysis.panels
    names = set(chosen(patterns, list(known), "panel", where, renamed))
    # A panel brings those that it needs. Where one of these was left out by name, it goes too,
    # unless it was itself asked for by name and is more than a view.
    away = {
        name
        for name in known.keys() - names
        if any(p.startswith("!") and fnmatchcase(name, p[1:]) for p in patterns)
    }
    named = {n for n in names if n in patterns and known[n].per != "view"}
    names = named | {n for n in names if away.isdisjoint(known[n].needs)}
    while missing := {need for n in names for need in known[n].needs} - names - set(SURVEYED):
        names |= missing
    return [
        (
            panel,
            validated(
                panel.settings, config.panels.get(name, {}), f"{config.file}: [panels.{name}]"
            ),
        )
        for name, panel in known.items()
        if name in names
    ]


def keys_of(config: Config, network: Network, manifest: Manifest) -> dict[str, str]:
    """The keys of the survey and of every panel: SHA-256 of all that their results depend on."""
    base = {
        "format": FORMAT,
        "weights": network.digest,
        "architecture": network.architecture,
        "preprocessing": dict(network.preprocessing),
    }
    images = manifest.digest
    survey = {**base, "panel": "survey", "version": SURVEY_VERSION, "images": images}
    keys = {"survey": digest_of(survey)}
    if manifest.labels:  # apart, so that other labels do not ask for other pictures
        words = [photograph.label for photograph in manifest.photographs]
        keys["labels"] = digest_of({**survey, "panel": "labels", "labels": words})
    for panel, settings in panels_of(config):
        parts: dict[str, Any] = {
            **base,
            "panel": panel.name,
            "version": panel.version,
            "settings": dict(panel.keyed(settings, config.path)),
            "needs": [keys[need] for need in panel.reads(settings) if need in keys],
        }
        if panel.uses_images:
            parts["images"] = images
        if panel.uses_scores and network.embedding:
            parts["embedding"] = True  # what was found out of class scores lies elsewhere
        if panel.uses_seed:
            parts["seed"] = config.analysis.seed
        if panel.uses_publish:
            parts["publish"] = config.images.publish
        if panel.per == "network":
            parts["layers"] = [layer.name for layer in network.layers]
        keys[panel.name] = digest_of(parts)
    return keys


def keys_now(config: Config, atlas: Atlas) -> dict[str, str]:
    """The keys that a config asks for now, of the weights, layers and images last analysed."""
    network = atlas.network
    if config.model.preprocessing:
        # Beside it stands what an analysis found out: of a function, of bands.
        preprocessing = {**network.preprocessing, **config.model.preprocessing.stated()}
        network = replace(network, preprocessing=preprocessing)
    return keys_of(config, network, atlas.manifest)


def store_of(config: Config) -> Store:
    """The store of a config."""
    return Store(config.path(config.output.work))


def open_atlas(config: Config) -> Atlas:
    """What was analysed, for pages; needs neither torch nor the images.

    Raises:
        StoreError: nothing was analysed yet.
    """
    store = store_of(config)
    plain = store.read_json(DOCUMENT)
    if plain is None:
        raise StoreError(
            f"{store.root} holds no analysis yet.", f"Run: lamella build {config.file}"
        )
    try:
        network = plain["network"]
        layers = tuple(Layer.from_dict(layer) for layer in network.pop("layers"))
        network |= {"size": tuple(network["size"]), "classes": tuple(network["classes"])}
        network["notes"] = tuple(network["notes"])
        network["left_out"] = tuple((name, why) for name, why in network["left_out"])
        network = Network(**network, layers=layers)
        manifest = plain["manifest"]
        seen = store.read_json(document("survey", plain["keys"]["survey"], "images")) or {}
        photographs = tuple(Photograph(**photograph) for photograph in manifest["photographs"])
        skipped = tuple(
            (photographs[int(number)].name, why) for number, why in seen.get("skipped", {}).items()
        )
        passed = tuple((what, number) for what, number in manifest["passed_over"])
        labels = tuple(manifest["labels"])
        images = Manifest(manifest["digest"], photographs, skipped, labels, passed)
        keys = plain["keys"]
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise StoreError(
            f"{store.root / DOCUMENT} was written by another version of lamella ({error}).",
            f"Run: lamella build {config.file}",
        ) from error
    if config.images.publish == "none":  # what was found of labels by an earlier run, too
        images, keys = images.unlabelled(), {k: key for k, key in keys.items() if k != "labels"}
    return Atlas(network, images, store, keys, config.images.publish)
