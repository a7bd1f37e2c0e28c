"""What a config asks for, in the store's terms: panels, keys, and the atlas that was analysed.

Flow: config -> **plan** -> pipeline and pages. Imports no torch: pages are rendered without it.
"""

from typing import Any

from lamella.config import Config, validated
from lamella.errors import ConfigError, StoreError, did_you_mean
from lamella.facts import Atlas, Manifest, Network, Photograph
from lamella.panels import known_panels
from lamella.panels.base import Panel, Settings
from lamella.selection import chosen
from lamella.store import Store, digest_of
from lamella.units import Layer

DOCUMENT = "atlas.json"
SURVEY_VERSION = 1


def panels_of(config: Config) -> list[tuple[Panel, Settings]]:
    """The panels that a config asks for, in page order, each with its settings.

    Raises:
        ConfigError: the config sets a panel that does not exist, or a setting that it lacks.
    """
    known = {panel.name: panel for panel in known_panels()}
    for name in config.panels:
        if name not in known:
            raise ConfigError(
                f"{config.file}: unknown panel 'panels.{name}'.",
                did_you_mean(name, known, otherwise=f"Known: {', '.join(known)}."),
            )
    names = set(chosen(config.analysis.panels, list(known), "panel"))
    while missing := {need for n in names for need in known[n].needs} - names - {"survey"}:
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


def keys_of(config: Config, network: Network, images: str) -> dict[str, str]:
    """The key of the survey and of every panel: SHA-256 of all that its result depends on."""
    base = {"weights": network.digest, "preprocessing": dict(network.preprocessing)}
    keys = {"survey": digest_of({**base, "panel": "survey", "version": SURVEY_VERSION, "images": images})}
    for panel, settings in panels_of(config):
        parts: dict[str, Any] = {
            **base,
            "panel": panel.name,
            "version": panel.version,
            "settings": settings.model_dump(mode="json"),
            "needs": [keys[need] for need in panel.needs if need in keys],
        }
        if panel.uses_images:
            parts["images"] = images
        if panel.uses_seed:
            parts["seed"] = config.analysis.seed
        if panel.per == "network":
            parts["layers"] = [layer.name for layer in network.layers]
        keys[panel.name] = digest_of(parts)
    return keys


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
            f"{store.root} holds no analysis yet.", f"Run: lamella analyse {config.file.name}"
        )
    try:
        network = plain["network"]
        layers = tuple(Layer.from_dict(layer) for layer in network.pop("layers"))
        network = Network(
            **network | {"layers": layers, "size": tuple(network["size"])}
            | {"classes": tuple(network["classes"])}
        )
        manifest = plain["manifest"]
        seen = store.read_json(f"survey-{plain['keys']['survey'][:16]}/images.json") or {}
        photographs = tuple(Photograph(**photograph) for photograph in manifest["photographs"])
        skipped = tuple(
            (photographs[int(number)].name, why)
            for number, why in seen.get("skipped", {}).items()
        )
        images = Manifest(manifest["digest"], photographs, skipped, tuple(manifest["labels"]))
        keys = plain["keys"]
    except (KeyError, TypeError, IndexError) as error:
        raise StoreError(
            f"{store.root / DOCUMENT} was written by another version of lamella ({error}).",
            f"Run: lamella analyse {config.file.name}",
        ) from error
    return Atlas(network, images, store, keys, config.images.publish)
