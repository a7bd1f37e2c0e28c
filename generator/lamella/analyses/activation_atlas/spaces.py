"""Which activation vectors an atlas is of: one layer's, or those of layers that stand side by side.

Flow: atlas.toml + layers -> **spaces** -> sampling. Imports no torch. Where a network puts the
outputs of several layers beside each other for the next to read (the branches of an inception or a
fire module), the place in the network is all of them: half of the channels would tell half of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lamella.errors import ConfigError, did_you_mean
from lamella.network.units import Layer, Unit

JOIN = "+"
WHERE = "[panels.activation_atlas] layers"


@dataclass(frozen=True, slots=True)
class Space:
    """The channels of one layer, or of several of the same rows and columns, in this order."""

    layers: tuple[Layer, ...]

    @property
    def name(self) -> str:
        return JOIN.join(layer.name for layer in self.layers)

    @property
    def channels(self) -> int:
        return sum(layer.channels for layer in self.layers)

    @property
    def rows(self) -> int:
        return self.layers[0].height

    @property
    def columns(self) -> int:
        return self.layers[0].width

    @property
    def field(self) -> int | None:
        """Input pixels that a vector may depend on, along one axis; None where not known."""
        sizes = [layer.field.size for layer in self.layers if layer.field]
        return max(sizes) if len(sizes) == len(self.layers) else None

    def unit(self, channel: int) -> Unit:
        """Whose channel this is."""
        for layer in self.layers:
            if channel < layer.channels:
                return Unit(layer.name, channel)
            channel -= layer.channels
        raise IndexError(channel)


def spaces(layers: Sequence[Layer], wanted: Sequence[str]) -> tuple[Space, ...]:
    """What atlases are of; without a wish, the deepest place that has positions, or nothing.

    Args:
        wanted: names of layers, several with `+` between them for one space of all.
    Raises:
        ConfigError: a layer is not there, has no positions, or does not fit those beside it.
    """
    if not wanted:
        usual = deepest(layers)
        return () if usual is None else (Space(beside(layers, usual)),)
    found = tuple(_space(layers, text) for text in wanted)
    for space in found:
        if found.count(space) > 1:
            raise ConfigError(f"{WHERE}: {space.name!r} stands there twice.", "Name it once.")
    return found


def _space(layers: Sequence[Layer], text: str) -> Space:
    known = {layer.name: layer for layer in layers}
    names = [text] if text in known else [name.strip() for name in text.split(JOIN)]
    for name in names:
        if name not in known:
            raise ConfigError(
                f"{WHERE}: there is no layer {name!r}.",
                did_you_mean(name, known, otherwise=f"Known: {', '.join(list(known)[:8])}."),
            )
        if not known[name].has_map:
            some = [layer.name for layer in layers if layer.has_map]
            raise ConfigError(
                f"{WHERE}: {name!r} has no positions on the image; an atlas is laid out from many "
                "vectors of each photograph.",
                f"Name a layer that has some, {some[-1]!r} say."
                if some
                else 'This network has none: leave the panel out, panels = ["*", '
                '"!activation_atlas"].',
            )
    space = Space(tuple(known[name] for name in names))
    if len({(layer.height, layer.width) for layer in space.layers}) > 1:
        sizes = ", ".join(f"{layer.height} x {layer.width}" for layer in space.layers)
        raise ConfigError(
            f"{WHERE}: the layers of {text!r} have maps of different sizes, {sizes}.",
            "Layers can be joined where they have the same rows and columns.",
        )
    if len(set(names)) < len(names):
        raise ConfigError(f"{WHERE}: {text!r} names a layer twice.", "Name each layer once.")
    return space


def deepest(layers: Sequence[Layer]) -> Layer | None:
    """The last hidden layer that has positions, a kernel of its own where one is near the end.

    A 1x1 convolution in front of the classes is hardly more than these; the patches of a
    transformer are its first layer. None where no layer has positions.
    """
    with_places = [at for at, layer in enumerate(layers) if layer.has_map]
    hidden = [at for at in with_places if at < len(layers) - 1]
    wide = [at for at in hidden if layers[at].kernel != (1, 1) and 2 * at >= len(layers) - 1]
    for choice in (wide, hidden, with_places):
        if choice:
            return layers[choice[-1]]
    return None


def beside(layers: Sequence[Layer], one: Layer) -> tuple[Layer, ...]:
    """A layer, with those whose whole outputs a later layer reads beside its own."""
    known = {layer.name: layer for layer in layers}
    for reader in layers:
        joined: list[Layer] = []
        for part in reader.sources:
            if len(part.layers) != 1 or part.positions != 1 or part.layers[0][1]:
                break
            source = known.get(part.layers[0][0])
            alike = source and (source.height, source.width) == (one.height, one.width)
            if source is None or not alike or source.channels != part.channels:
                break
            joined.append(source)
        else:
            if one in joined and len(set(joined)) == len(joined):
                return tuple(joined)
    return (one,)
