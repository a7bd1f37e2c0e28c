"""`atlas.toml`: what an atlas is of, and where it goes.

Flow: **config** -> model, images, pipeline, pages. Every key has a type, a default and a
description here; an unknown key or a bad value is an error that names the key, the file and the
remedy. Paths are relative to the file. Nothing is guessed.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PrivateAttr

from lamella.config.files import text_of
from lamella.config.plain import refused
from lamella.config.section import Day, Names, Section
from lamella.config.sections import AnalysisSection, ImagesSection, ModelSection, OutputSection
from lamella.config.validation import validated
from lamella.errors import ConfigError, said


def _address(text: str) -> str:
    if text and not text.startswith(("https://", "http://")):
        raise ValueError("It should begin with https:// or http://")
    return text


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
        """A path of the file, which is relative to the file's own folder.

        Raises:
            ConfigError: there can be no such path.
        """
        try:
            found = self._file.parent / Path(relative).expanduser()
            found.exists()
            found.resolve()
        except (
            OSError,
            RuntimeError,
        ) as error:  # too long, not allowed; ~nobody, a circle of links
            shown = relative if len(relative) <= 80 else f"{relative[:77]}..."
            raise ConfigError(
                f"{self._file}: {shown!r} is no path here: {said(error)}.",
                "Paths are relative to the folder of atlas.toml, or begin with / or ~/.",
            ) from error
        return found


def load(file: Path, **overrides: Any) -> Config:
    """Read and check an atlas.toml.

    Args:
        file: the file.
        overrides: values that the command line sets over it, `{"analysis": {"seed": 1}}` say.
    Raises:
        ConfigError: the file cannot be read, is no TOML, or holds a wrong key or value.
    """
    try:
        plain = tomllib.loads(text_of(file))
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
    except (ValueError, RecursionError) as error:
        what = "is nested too deep" if isinstance(error, RecursionError) else "holds a huge number"
        raise ConfigError(f"{file} {what}.", "No setting needs that: take it out.") from None
    for at, what, remedy in refused(plain):
        raise ConfigError(f"{file}: '{at}' is {what}.", f"{remedy}.")
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
