"""`atlas.toml`: what an atlas is of, and where it goes.

Flow: **config** -> model, images, pipeline, pages. Every key has a type, a default and a
description here; an unknown key or a bad value is an error that names the key, the file and the
remedy. Paths are relative to the file. Nothing is guessed.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, field_validator, model_validator

from lamella.config.preprocessing import Preprocessing
from lamella.config.section import Day, Names, Section
from lamella.config.validation import validated
from lamella.errors import ConfigError, said


def _address(text: str) -> str:
    if text and not text.startswith(("https://", "http://")):
        raise ValueError("It should begin with https:// or http://")
    return text


class ModelSection(Section):
    """`[model]`: the network."""

    name: str = Field(
        min_length=1, max_length=100, description="Its name on the pages and in their addresses."
    )
    source: str = Field(
        description="`torchvision:NAME`, `timm:NAME`, `hf-hub:ORG/NAME` (which timm loads), or "
        "`FILE.py:FUNCTION`, a function that takes nothing and returns the network in eval mode."
    )
    weights: str = Field(
        default="",
        description="A .safetensors file, a state dict or a checkpoint that holds one (.pt, .pth). "
        "For torchvision also one of its weights' names (DEFAULT, IMAGENET1K_V1), which it "
        "downloads; for a library's network also `random`, for an untrained one. Without it: the "
        "library's own, and whatever FUNCTION returns for a file.",
    )
    key: str = Field(
        default="",
        description="Where in a checkpoint the state dict lies, such as `state_dict_ema` or "
        "`model.module`. Without it: where one fits the network.",
    )
    output: str = Field(
        default="",
        description="Which result is the class scores, of a network that returns several: its name "
        'in a dict, or its number, "0" for the first. Without it: the only one that is a vector, '
        "or one called logits, out, output, scores or the like.",
    )
    classes: str = Field(
        default="", description="A text file with the name of each output, one a line."
    )
    preprocessing: Preprocessing | None = Field(
        default=None,
        description="Without it: what torchvision or timm states, else ImageNet's usual.",
    )

    @field_validator("preprocessing", mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        """`preprocessing = "FILE.py:FUNCTION"`, in full."""
        return {"function": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _key_of_a_file(self) -> Self:
        library = self.source.startswith(("torchvision:", "timm:", "hf-hub:"))
        named = library and "." not in self.weights
        if self.key and (named or not self.weights):
            raise ValueError(
                "key is a place in a weights file, and weights names none.\n"
                "Leave key out, or name the file."
            )
        return self


class ImagesSection(Section):
    """`[images]`: the photographs that the network is surveyed on."""

    folder: str = Field(
        default="",
        description="A folder of images, searched through all its subfolders, and the .zip, .tar, "
        ".parquet and .arrow files in it; or one of these. Of an archive's files that share a "
        "stem, 1.cls or the `label` in 1.json is the label of 1.jpg, as webdataset has it.",
    )
    dataset: str = Field(
        default="",
        description="In place of a folder: `FILE.py:FUNCTION`, a function that takes nothing and "
        "returns a map-style torch data set, whose items are pairs of an image, without a "
        "transform, and a label. Or `torchvision:NAME`, which lies in `folder`, downloaded before.",
    )
    list: str = Field(
        default="",
        description="A text or CSV file that names the images, one a line: a path in the folder "
        "and, behind a comma, semicolon or tab, perhaps a label.",
    )
    labels: Literal["folder", "file", "none"] = Field(
        default="folder",
        description="Where an image's label comes from: the folder it lies in, its file's name up "
        "to the last dash, underscore or dot, or nowhere. But for the latter, what an archive, a "
        "table or a data set says itself comes first; what a list says always does.",
    )
    publish: Literal["whole", "patches", "none"] = Field(
        default="whole",
        description="What of the images goes onto the site: everything, the patches alone, or "
        "nothing, for private or licensed images.",
    )
    limit: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Use only so many images, chosen by their content's digest."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if not (self.folder or self.dataset):
            raise ValueError(
                "names no images.\nAdd folder, a folder of images, or dataset, a torch data set."
            )
        library = self.dataset.startswith("torchvision:")
        if library and not self.folder:
            raise ValueError(
                f"dataset is {self.dataset!r}, and folder is missing.\n"
                "folder is where torchvision downloaded it to, its root."
            )
        if self.dataset and not library and self.folder:
            raise ValueError(
                "names images twice, by folder and by dataset.\n"
                "Leave one out; only a data set of torchvision goes with a folder, where it lies."
            )
        if self.dataset and self.list:
            raise ValueError("list is of files, and dataset has none.\nLeave one of them out.")
        return self


class AnalysisSection(Section):
    """`[analysis]`: what is computed."""

    layers: Names = Field(
        default=("*",),
        description="Names or globs of the layers to include; a leading ! excludes.",
    )
    panels: Names = Field(
        default=("*",),
        description="Names or globs of the panels to compute; a leading ! excludes.",
    )
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:1, mps.")
    seed: int = Field(default=0, description="Fixes everything that is drawn at random.")


class OutputSection(Section):
    """`[output]`: where results go."""

    work: str = Field(default="work", description="Folder of the store: what was computed.")
    site: str = Field(default="public", description="Folder of the site: what is published.")


class Config(Section):
    """The whole of atlas.toml."""

    title: str = Field(min_length=1, description="The atlas' title.")
    description: str = Field(default="", description="A sentence or two below the title.")
    authors: Names = Field(default=(), description="Who to cite.")
    date: Day = Field(
        default="", description="When it was published, for citations: a day, or a year."
    )
    version: str = Field(default="", description="Which version it is, for citations.")
    licence: str = Field(default="", description="Licence of the atlas' own text and pictures.")
    credits: str = Field(
        default="", description="A text file about the images, for the about page."
    )
    site_url: Annotated[str, AfterValidator(_address)] = Field(
        default="",
        description="Where it will be published; allows canonical addresses and a sitemap.",
    )
    model: ModelSection = Field(description="The network: a section [model].")
    images: ImagesSection = Field(description="The photographs: a section [images].")
    analysis: AnalysisSection = Field(
        default=AnalysisSection(), description="What is computed: a section [analysis]."
    )
    panels: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="The settings of a panel: a section [panels.NAME]."
    )
    output: OutputSection = Field(
        default=OutputSection(), description="Where results go: a section [output]."
    )
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
        plain = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not text in UTF-8.", "Save it in that encoding.") from error
    except OSError as error:
        raise ConfigError(
            f"Cannot read {file}: {said(error)}.",
            "`lamella init FOLDER` writes one to start from.",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{file} is not valid TOML: {error}.",
            "Text stands in quotes, lists in brackets; https://toml.io describes the rest.",
        ) from error
    for section, values in overrides.items():
        if not isinstance(values, dict):
            plain[section] = values
        elif isinstance(plain.setdefault(section, {}), dict):
            plain[section] |= values
    config = validated(Config, plain, where=str(file))
    config._file = file.resolve()
    work, site = (config.path(name).resolve() for name in (config.output.work, config.output.site))
    if work.is_relative_to(site):
        raise ConfigError(
            f"{file}: [output] work, {work}, is or lies inside the site, {site}.",
            "What was computed must not be published: name two folders beside each other.",
        )
    return config
