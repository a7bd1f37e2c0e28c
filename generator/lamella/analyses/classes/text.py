"""The sentences of the pages of classes.

Flow: **text** -> class_page, contributions_view, view.
"""

INDEX = (
    "Each class with the image made to raise its score and, beside it, the photograph that is most "
    "probably of it. The number says to how many photographs it is the first answer."
)
UNMAPPED = "The photographs to which the network gives this class the largest probability."
LEGEND = (
    "Full colour is the maximum of each map. The photographs are grey, so that colour belongs to "
    "the maps; the switch shows the maps alone."
)
WITHHELD = "The photographs of this atlas are not published, nor are maps of single ones."
PUSH = (
    "The score is a sum over the units that the last layer reads: a unit's weight for this class "
    "times its activation. A large weight alone says little of a unit that is silent on images of "
    "the class, so both are listed: what counts on those images, and what the weights say."
)
RECTIFIED = (
    "Here the sum is taken at each position, cut off below zero, and then averaged. So a unit "
    "counts at the positions where the sum for this class is above zero; all others add nothing."
)
SINGLE = (
    "Only one photograph has this class as the first answer, so there is no mean to take: its own "
    "map stands above."
)
CONFUSED = (
    "How much probability other classes have, on average over the photographs whose first answer "
    "is this one, and the other way round. It is what the network hesitates between, whether it is "
    "right or not."
)
CONFUSED_SPARSE = (
    "With so many classes, only those count that are among the first of an image: the means may be "
    "a little too low."
)
FEW_PRIVATE = 5  # images below which the mean of their maps is not published without them


def where(maps: str) -> str:
    """What the photographs are, and what lies over them.

    Args:
        maps: those that Grad-CAM weighs, in words: "the maps of layer3.0.conv1".
    """
    return (
        "The photographs to which the network gives this class the largest probability, whatever "
        f"they show. Over each lies Grad-CAM of this class: {maps}, each weighted by the mean over "
        "its positions of the score's gradient, added up, without what is negative (Selvaraju et "
        "al. 2017). Each map is divided by its own maximum, so the full colour of two maps need "
        "not mean the same score. It shows where what speaks for the class is, not what it is."
    )


def averaged(number: int, count: int, blank: int) -> str:
    """Over what a mean map is taken."""
    one = "the one photograph" if count == 1 else f"all {count} photographs"
    which = (
        f"{one} whose first answer is this class"
        if number + blank >= count
        else f"the {number + blank} photographs of which the network is surest, of {count} whose "
        "first answer is this class"
    )
    left = f" Without {blank} whose map is zero everywhere." if blank else ""
    return (
        f"The mean of Grad-CAM over {which}, each map divided by its maximum before.{left} It says "
        "where in the frame the evidence usually lies. Photographers put things in the middle, so "
        "the same mean over all classes stands beside it: what differs is the class’s own."
    )


def mean_value(other: bool) -> str:
    """What a number of a mean map is, with its place."""
    return "{} of the maximum, mean over all classes" if other else "{} of the maximum, on average"


def sum_of(inputs: int, score: float, bias: float, total: float) -> str:
    """What all contributions add up to."""
    return (
        f"All {inputs:,} of them together add {signed(total)}, and the bias {signed(bias)}. The "
        f"mean score on its photographs is {score:.3g}."
    )


def signed(value: float) -> str:
    """A number with its sign."""
    return f"{value:+.3g}".replace("-", "−")


def images(number: int) -> str:
    """So many photographs."""
    return f"{number:,} photograph{'' if number == 1 else 's'}"
