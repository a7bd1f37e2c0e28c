"""The text of the page, section by section, and which demonstrations each figure shows.

Flow: **text** -> view. Imports no torch. `{unit}`, `{second}`, `{layer}` and `{class}` stand for
the page's subject.

Source: Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017,
doi:10.23915/distill.00007, whose sections these are but for the last two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

TITLE = "Feature visualization, section by section"
LEAD = (
    "The figures of the article “Feature Visualization” (Olah, Mordvintsev and Schubert, Distill "
    "2017, doi:10.23915/distill.00007) for {unit}, each with the settings that make it again."
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of pictures.

    Attributes:
        demonstrations: their keys.
        excited: whether it says how they excite the unit.
        called: captions, by key, of pictures that are known from another row under others.
    """

    title: str
    demonstrations: tuple[str, ...]
    excited: bool = False
    called: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the page.

    Attributes:
        chart: "curve" or "spectra", drawn below the rows; "" for none.
        examples: whether to show the unit's dataset examples.
    """

    title: str
    text: tuple[str, ...]
    rows: tuple[Row, ...]
    chart: str = ""
    examples: bool = False


# The last part of the page: what the expressions below the pictures mean.
GLOSSARY = Part(
    "What the expressions mean",
    (
        "Below each picture stands what was raised. Expressions add up, and take factors; what is "
        "taken away is a penalty. All are of the layer {layer} where nothing else is said, but for "
        "classes, which are channels of the network's last layer.",
    ),
    (),
)
# What is said where pictures are left out, by what they need.
ABSENT = {
    "class": "The pictures of a class are left out, since this atlas does not name the network's "
    "classes: set [model] classes, or class in [panels.objectives].",
    "second": "Pictures that need a second unit are left out: the layer has only this one.",
    "positions": "The layer has no positions, so a neuron is the same as its channel and is left "
    "out.",
    "public": "The photographs of this atlas are not published, so these pictures begin with noise "
    "that has the photographs' mean spectrum and shows none of them.",
}

_DEPTHS = ("early", "middle", "late")
SECTIONS = (
    Part(
        "What does the network look for?",
        (
            "The picture begins as noise. Each step asks the network how every pixel would have to "
            "change for the unit {unit} to answer more strongly, and changes the picture a little "
            "that way.",
            "Most of what will be there is settled in the first steps; the rest sharpens it.",
        ),
        (Row("One ascent", ("way",), excited=True),),
        chart="curve",
    ),
    Part(
        "The spectrum of objectives",
        (
            "What is asked for decides what is seen. A neuron is the unit at one position, a "
            "channel the unit at all of them, and a whole layer, as in DeepDream, is whatever its "
            "units find interesting.",
            "A class, here {class}, can be asked for before the softmax or after it. After it, the "
            "picture may just as well lower all other classes as raise its own, and is usually the "
            "poorer for it.",
            "A direction mixes all channels of the layer. This one, v, is what the layer answers "
            "where a photograph excites the unit most.",
        ),
        (
            Row(
                "Objectives",
                ("neuron", "channel", "dream", "logit", "probability", "direction", "placed"),
            ),
        ),
    ),
    Part(
        "Diversity",
        (
            "One picture shows one answer. Four that are made together, and rewarded for differing "
            "in the textures and colours of an earlier layer, show what the unit insists on and "
            "what it admits.",
            "The least exciting picture shows what holds the unit back; below it are the "
            "photographs that excite it most. Photographs show what the unit answers to in "
            "practice, pictures what of it matters.",
        ),
        (
            Row("One picture, and four that must differ", ("channel", "diverse"), excited=True),
            Row("The least exciting", ("least",)),
        ),
        examples=True,
    ),
    Part(
        "Interaction between neurons",
        (
            "Units work together. The picture of {unit} and {second} at once is rarely a collage: "
            "it takes from each what the other allows.",
            "Between the two lies a row of pictures that share one start, so that each resembles "
            "its neighbours. The directions of the units are special in that they are easier to "
            "name than directions drawn at random, which make pictures all the same.",
        ),
        (
            Row("From {unit} to {second}", ("between",)),
            Row("Both at once, and four directions at random", ("joint", "random")),
        ),
    ),
    Part(
        "The enemy of feature visualization",
        (
            "Without any regularization the picture becomes noise of high frequencies. It usually "
            "excites the unit more than a picture that a person would recognize, and shows little.",
            "The chart compares the two with photographs: it is the high frequencies, towards half "
            "a cycle per pixel, that the unregularized picture has too much of.",
        ),
        (
            Row(
                "Without, and with what this atlas does about it",
                ("plain", "channel"),
                excited=True,
                called={"channel": "As in this atlas"},
            ),
        ),
        chart="spectra",
    ),
    Part(
        "The spectrum of regularization",
        (
            "Frequency penalization takes high frequencies away: by a distance to grey, by the "
            "differences between neighbouring pixels, or by what a blur removes. It discourages "
            "real edges too.",
            "Transformation robustness asks that the picture go on exciting the unit while it is "
            "shifted, turned and scaled, which noise does not survive.",
            "A prior goes furthest. MACO keeps the mean spectrum of the photographs and optimises "
            "the phases alone; its opacity shows where the gradients fell. The stronger the prior, "
            "the more of the picture comes from it and not from the network.",
        ),
        (
            Row(
                "Frequency penalization, on pixels",
                ("plain", "l1", "l2", "variation", "blur", "frequencies"),
                excited=True,
            ),
            Row(
                "Transformation robustness, on pixels",
                ("plain", "jitter", "turned", "robust", "smooth"),
                excited=True,
            ),
            Row("A prior from photographs", ("maco",), excited=True),
        ),
    ),
    Part(
        "Preconditioning and parameterization",
        (
            "The same objective, the same steps and the same shaking: only the space differs in "
            "which a step is taken. With a flat spectrum all frequencies weigh alike, as they do "
            "for pixels; low ones first is the slope of photographs. Decorrelated colours are the "
            "principal ones of photographs, in place of red, green and blue.",
            "This changes which direction is the steepest, and so which of the many pictures that "
            "excite the unit is found first. It adds no penalty.",
        ),
        (
            Row(
                "Two choices of space",
                ("flat_rgb", "flat", "rgb", "channel"),
                excited=True,
                called={"channel": "Low frequencies first, decorrelated"},
            ),
        ),
    ),
    Part(
        "The plain rule of the lectures",
        (
            "Lectures teach it so: begin with grey, add eta times the gradient, and take away a "
            "penalty on the squared distance to grey. A good eta depends on the objective: the raw "
            "gradient of one neuron is larger than that of its channel, by up to the number of "
            "positions.",
            "Dividing the gradient by its norm makes eta the length of a step, and one eta serves "
            "all. All of this is on pixels without shaking, so high frequencies win.",
        ),
        (
            Row("Raw gradients: {unit}", ("raw_small", "raw_right", "raw_large")),
            Row("Raw gradients: the middle eta for other objectives", ("raw_neuron", "raw_class")),
            Row(
                "Divided by their norm: one eta for all",
                ("normal", "normal_neuron", "normal_class"),
            ),
        ),
    ),
    Part(
        "Starting from an image",
        (
            "A caricature exaggerates what a layer saw in the image: it begins as noise and is "
            "asked for the same activations, t, only stronger. Early layers keep the lines, deep "
            "ones the things.",
            "DeepDream begins with the image itself and asks a layer for more of whatever it sees "
            "there.",
        ),
        (
            Row("The image", ("image", "image_noise")),
            Row(
                "Caricatures, by layer",
                tuple(f"caricature_{d}{of}" for of in ("", "_noise") for d in _DEPTHS),
            ),
            Row(
                "DeepDream, by layer",
                tuple(f"dreamt_{d}{of}" for of in ("", "_noise") for d in _DEPTHS),
            ),
        ),
    ),
)
