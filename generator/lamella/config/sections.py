"""The sections of atlas.toml: the network, the images, what is computed, and where it goes.

Flow: section, preprocessing -> **sections** -> config.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from lamella.config.preprocessing import Preprocessing
from lamella.config.section import Names, Section


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
        "or one called logits, out, output, scores or the like. `none`: it gives no class scores, "
        "but an embedding, say.",
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
        description="What of the images goes onto the site: everything; patches and labels alone, "
        "of layers whose units see at most a quarter of an image (the patches of many units "
        "together may still cover it); or nothing, neither pixels nor labels, which then are not "
        "even read. Names of files are shown with whole images only.",
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
    seed: int = Field(
        default=0, ge=0, lt=2**32, description="Fixes everything that is drawn at random."
    )


class OutputSection(Section):
    """`[output]`: where results go."""

    work: str = Field(default="work", description="Folder of the store: what was computed.")
    site: str = Field(default="public", description="Folder of the site: what is published.")
