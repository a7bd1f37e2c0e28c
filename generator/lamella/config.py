"""`atlas.toml`: what an atlas is of, and where it goes.

Flow: **config** -> model + images. Every key has a type, a default and a description here; an
unknown key or a bad value is an error that names the key, the file and the remedy. Paths are
relative to the file. Nothing is guessed.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from lamella.errors import ConfigError, did_you_mean

S = TypeVar("S", bound=BaseModel)


class Section(BaseModel):
    """A table of atlas.toml: frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Preprocessing(Section):
    """`[model.preprocessing]`: how a photograph becomes the network's input."""

    resize: Annotated[int, Field(ge=1)] = Field(
        256, description="Shorter side of the photograph, in pixels, before the crop."
    )
    size: Annotated[int, Field(ge=8)] = Field(
        224, description="Side of the square that is cut from its centre, in pixels."
    )
    channels: Literal["RGB", "BGR"] = Field("RGB", description="Order of the colour channels.")
    scale: Annotated[float, Field(gt=0)] = Field(
        1.0, description="What white is, before mean and std: 1 for [0, 1], 255 for [0, 255]."
    )
    mean: tuple[float, float, float] = Field(
        (0.485, 0.456, 0.406), description="Subtracted, in the network's own channel order."
    )
    std: tuple[float, float, float] = Field(
        (0.229, 0.224, 0.225), description="Divided by, in the network's own channel order."
    )


class ModelSection(Section):
    """`[model]`: the network."""

    name: str = Field(
        min_length=1, max_length=100, description="Its name on the pages and in their addresses."
    )
    source: str = Field(
        description="`torchvision:NAME`, or `FILE.py:FUNCTION`, a function that takes nothing and "
        "returns the network in eval mode."
    )
    weights: str = Field(
        "",
        description="A .safetensors file or a state dict (.pt, .pth). For torchvision also one of "
        "its weights' names (DEFAULT, IMAGENET1K_V1), which it downloads. Without it: DEFAULT for "
        "torchvision, and whatever FUNCTION returns for a file.",
    )
    classes: str = Field("", description="A text file with the name of each output, one a line.")
    preprocessing: Preprocessing | None = Field(
        None,
        description="Without it: what torchvision states for its weights, else ImageNet's usual.",
    )


class ImagesSection(Section):
    """`[images]`: the photographs that the network is surveyed on."""

    folder: str = Field(description="A folder of images, searched through all its subfolders.")
    labels: Literal["folder", "file", "none"] = Field(
        "folder",
        description="Where an image's label comes from: the folder it lies in, its file's name up "
        "to the last dash, underscore or dot, or nowhere.",
    )
    publish: Literal["whole", "patches", "none"] = Field(
        "whole",
        description="What of the images goes onto the site: everything, the patches alone, or "
        "nothing, for private or licensed images.",
    )
    limit: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Use only so many images, chosen by their content's digest."
    )


class AnalysisSection(Section):
    """`[analysis]`: what is computed."""

    layers: tuple[str, ...] = Field(
        ("*",), description="Names or globs of the layers to include; a leading ! excludes."
    )
    panels: tuple[str, ...] = Field(("*",), description="Names or globs of the panels to compute.")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps.")
    seed: int = Field(0, description="Fixes everything that is drawn at random.")


class OutputSection(Section):
    """`[output]`: where results go."""

    work: str = Field("work", description="Folder of the store: what was computed.")
    site: str = Field("public", description="Folder of the site: what is published.")


class Config(Section):
    """The whole of atlas.toml."""

    title: str = Field(min_length=1, description="The atlas' title.")
    description: str = Field("", description="A sentence or two below the title.")
    authors: tuple[str, ...] = Field((), description="Who to cite.")
    licence: str = Field("", description="Licence of the atlas' own text and pictures.")
    credits: str = Field("", description="A text file about the images, for the about page.")
    site_url: str = Field(
        "",
        pattern=r"^(https?://.*)?$",
        description="Where it will be published; allows canonical addresses and a sitemap.",
    )
    model: ModelSection
    images: ImagesSection
    analysis: AnalysisSection = AnalysisSection()
    panels: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="`[panels.NAME]`: the settings of a panel."
    )
    output: OutputSection = OutputSection()
    _file: Path = PrivateAttr(Path("atlas.toml"))

    @property
    def file(self) -> Path:
        """The file itself."""
        return self._file

    def path(self, relative: str) -> Path:
        """A path of the file, which is relative to the file's own folder."""
        return self._file.parent / Path(relative).expanduser()


def load(file: Path, **overrides: Any) -> Config:
    """Read and check an atlas.toml.

    Args:
        file: the file.
        overrides: values that the command line sets over it, `{"analysis": {"seed": 1}}` say.
    Raises:
        ConfigError: the file cannot be read, is no TOML, or holds a wrong key or value.
    """
    try:
        plain = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"Cannot read {file}: {getattr(error, 'strerror', None) or error}.",
            "`lamella init FOLDER` writes one to start from.",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}.") from error
    for section, values in overrides.items():
        if not isinstance(values, dict):
            plain[section] = values
        elif isinstance(plain.setdefault(section, {}), dict):
            plain[section] |= values
    config = validated(Config, plain, where=str(file))
    config._file = file.resolve()
    return config


def validated(section: type[S], plain: dict[str, Any], where: str) -> S:
    """Plain values as a section; `where` names them in the errors."""
    try:
        return section.model_validate(plain)
    except ValidationError as error:
        told = [_told(section, problem, where) for problem in error.errors()]
        raise ConfigError("\n".join(told)) from None


def _told(section: type[BaseModel], problem: Any, where: str) -> str:
    """One problem that pydantic found, in the user's words."""
    at = [str(part) for part in problem["loc"]]
    key = ".".join(at)
    if problem["type"] == "extra_forbidden":
        names = list(_section_at(section, at[:-1]).model_fields)
        near = did_you_mean(at[-1], names, otherwise=f"Known there: {', '.join(names)}.")
        return f"{where}: unknown key '{key}'.\n  {near}"
    if problem["type"] == "missing":
        description = _section_at(section, at[:-1]).model_fields[at[-1]].description
        return f"{where}: '{key}' is missing.\n  {description or 'Add it.'}"
    said = problem["msg"].removeprefix("Value error, ")
    given = repr(problem["input"])
    return f"{where}: '{key}' is {given[:80]}.\n  {said}."


def _section_at(section: type[BaseModel], at: list[str]) -> type[BaseModel]:
    """The section that a path of keys leads to."""
    for part in at:
        field = section.model_fields.get(part)
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())) if field else ():
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                section = kind
    return section
