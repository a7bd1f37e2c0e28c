"""What to do about a network that does not run, where its error tells.

Flow: **remedies** -> recording. A remedy that may be wrong is worse than none.
"""

import re

_INPUT_CHANNELS = re.compile(r"to have (\d+) channels, but got (\d+) channels instead")
_CHANNELS = {"1": '"L"', "3": '"RGB"'}
_MISSING = re.compile(r"missing \d+ required positional arguments?: (.+)")
_TYPES = re.compile(r"should be the same|same dtype|expected scalar type|expected m1 and m2")
_SHAPES = re.compile(
    r"shapes cannot be multiplied|is invalid for input of size|must match the size|"
    r"Kernel size can't be greater|Sizes of tensors must match|doesn't match model"
)


def is_of_shape(error: Exception) -> bool:
    """Whether an error comes of images of another size than the network takes."""
    return bool(_SHAPES.search(str(error)))


def remedy(error: Exception) -> str:
    """What would help, in the user's words; "" where the error does not tell."""
    text = str(error)
    if found := _INPUT_CHANNELS.search(text):
        if found[1] in _CHANNELS:
            return (
                f"It takes images of {found[1]} channels, and is given {found[2]}: set "
                f"[model.preprocessing] channels = {_CHANNELS[found[1]]}."
            )
        return (
            f"It takes images of {found[1]} channels, and is given {found[2]}: set "
            f"[model.preprocessing] channels = {found[1]} where images are files of as many bands; "
            "else let the function that [model] source names return a module that first makes "
            f"three channels into {found[1]}."
        )
    if found := _MISSING.search(text):
        return (
            f"It takes more than images: {found[1]}. Let the function that [model] source names "
            "return a module whose forward takes images alone and gives it the rest."
        )
    if _TYPES.search(text):
        return "Return it in single precision from [model] source: `model.float().eval()`."
    if _SHAPES.search(text):
        return (
            "Set [model.preprocessing] size to what it was trained with: the side of a square, or "
            "[height, width]."
        )
    return ""
