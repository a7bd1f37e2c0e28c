"""What the pages say of how a dissection was done, and of units that it leaves out.

Flow: stored -> **text** -> view, articles.
"""

from collections.abc import Sequence

from lamella.analyses.dissection.stored import DissectionRecord, LayerDetectors

WITHOUT = (
    "This unit has no threshold: it is above zero at fewer than one position in 200, or hardly "
    "varies."
)
NOTHING = "No concept lies where this unit is above its threshold."


def method(record: DissectionRecord, layers: Sequence[LayerDetectors]) -> tuple[str, ...]:
    """How it was done, with the numbers of this atlas."""
    plain = record.plain
    units = sum(len(each.live) for each in layers)
    without = units - sum(int(each.live.sum()) for each in layers)
    choose, measure = record.scenes
    where = "labelled scenes" if plain["masks"] else "of the atlas’ own photographs"
    halves = (
        f"{choose} and {measure} {where}"
        if plain["masks"]
        else f"{choose} and {measure} {where}, parted by the digest of their content"
    )
    parted = (
        "The two sets were parted by whoever made the scenes."
        if plain["apart"]
        else "The two sets were parted by the digest of each image’s content, not by what they "
        "show: where several images are of one thing, the second number is too kind."
    )
    paragraphs = [
        "Does a unit answer to something that people have a word for? Bau, Zhou, Khosla, Oliva and "
        "Torralba (2017, “Network Dissection”, arXiv:1704.05796) take the strongest "
        f"{plain['share']:.1%} of a unit’s activations over all images and positions, bring its "
        "map to the size of the images, and ask how well the places above that threshold coincide "
        "with the places that carry a concept: intersection over union (IoU), summed over all "
        f"images that show something of the concept’s kind. Above {plain['iou']:g} the unit counts "
        "as a detector.",
        f"Here this was done on {halves}, on maps of {plain['side']} by {plain['side']} pixels, "
        "with bilinear interpolation between the centres of what the positions see. Each unit’s "
        "concept is the one with the highest IoU on the first set; its IoU on the second decides. "
        f"{parted} "
        f"A concept takes part if at least {plain['least']} images of each set show it.",
        "Thresholds are read off counts in bins, within 1/16 of the exact value; the share of "
        "positions that really lies above was counted too. A unit that is above zero at fewer than "
        f"{plain['share']:.1%} of the positions has no threshold, nor has one that hardly varies: "
        f"{without:,} of {units:,} units were left out for that.",
        "Colours are eleven words for ranges of lightness, chroma and hue (OKLCH), drawn by hand."
        + (
            ""
            if plain["masks"]
            else " No masks were given, so that colours are the only concepts: `[panels.dissection]"
            " scenes` names a folder of labelled images."
        ),
    ]
    if plain["baseline"]:
        paragraphs.append(
            "The second network has the same architecture and random weights (He et al. 2015, "
            "arXiv:1502.01852: "
            "normal with variance 2 over inputs, biases 0, normalizations reset, seed "
            f"{plain['seed']}), its own thresholds, and went through the same steps. What it "
            "seems to detect is what the measure finds without learning: read the trained "
            "network’s numbers beside it."
        )
    paragraphs.append(
        "Limits: a unit is only ever offered the concepts of these scenes, and what it answers to "
        "may be none of them; pasted objects are not photographs of objects; an IoU of .04 is a "
        "weak agreement."
    )
    return tuple(paragraphs)
