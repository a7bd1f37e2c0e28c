"""The attribution methods that a page may show, in the order in which it shows them.

Flow: **methods** -> compute, attribution_maps, sanity_checks. Words only; compute.py computes them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Method:
    """An attribution method, in words.

    Attributes:
        name: under which its maps are stored.
        title: above its maps.
        value: what a number of its map is, in words that may follow a number.
        signed: whether its numbers may be negative: this speaks against the class.
        fine: whether its map has a number per pixel and not per position of a layer.
        of_class: whether it asks about one class; where not, its map is the same for all.
        about: one or two sentences on how it is computed, with its source.
    """

    name: str
    title: str
    value: str
    signed: bool
    fine: bool
    about: str
    of_class: bool = True


METHODS: tuple[Method, ...] = (
    Method(
        "saliency",
        "Gradient",
        "of score per unit of brightness",
        signed=False,
        fine=True,
        about="How much the class score changes with each pixel: the gradient's magnitude, the "
        "largest of its three colours (Simonyan, Vedaldi and Zisserman 2014, arXiv:1312.6034).",
    ),
    Method(
        "guided",
        "Guided backprop",
        "of guided gradient",
        signed=False,
        fine=True,
        about="The same, but at each activation function only what is positive goes back "
        "(Springenberg et al. 2015, arXiv:1412.6806). Sharp, and known to depend little on the "
        "class.",
    ),
    Method(
        "integrated",
        "Integrated gradients",
        "of score",
        signed=True,
        fine=True,
        about="Gradients along the way from a plain image to this one, times the difference; the "
        "map adds up to the difference of the scores (Sundararajan, Taly and Yan 2017, "
        "arXiv:1703.01365).",
    ),
    Method(
        "occlusion",
        "Occlusion",
        "of probability lost",
        signed=True,
        fine=False,
        about="A patch of the network's mean colour covers each place in turn: by how much the "
        "probability falls (Zeiler and Fergus 2014, arXiv:1311.2901).",
    ),
    Method(
        "cam",
        "CAM",
        "of score",
        signed=True,
        fine=False,
        about="What each position of the last maps adds to the class score, read off the weights "
        "of the head (Zhou et al. 2016, arXiv:1512.04150).",
    ),
    Method(
        "gradcam",
        "Grad-CAM",
        "of the map's maximum",
        signed=False,
        fine=False,
        about="The last maps, each weighted by the mean of the score's gradient over its "
        "positions, added up; what is negative is cut off then (Selvaraju et al. 2017, "
        "arXiv:1610.02391).",
    ),
    Method(
        "gradcam_inside",
        "Grad-CAM, ReLU inside",
        "of the map's maximum",
        signed=False,
        fine=False,
        about="The same, but what is negative is cut off of each weighted map before they are "
        "added up: what speaks against the class takes nothing away.",
    ),
    Method(
        "rollout",
        "Attention rollout",
        "of attention",
        signed=False,
        fine=False,
        about="Attention of all blocks multiplied up, half of it passed by: from which patches "
        "the class token has its information (Abnar and Zuidema 2020, arXiv:2005.00928).",
        of_class=False,
    ),
)
BY_NAME = {method.name: method for method in METHODS}
