"""What to do about a network that does not run, where its error tells.

Flow: **remedies** -> recording. A remedy that may be wrong is worse than none.
"""

import re

_INPUT_CHANNELS = re.compile(r"to have (\d+) channels, but got 3 channels instead")
_MISSING = re.compile(r"missing \d+ required positional arguments?: (.+)")
_TYPES = re.compile(r"should be the same|same dtype|expected scalar type|expected m1 and m2")
_SHAPES = re.compile(
    r"shapes cannot be multiplied|is invalid for input of size|must match the size|"
    r"Kernel size can't be greater|Sizes of tensors must match|doesn't match model"
)


def remedy(error: Exception) -> str:
    """What would help, in the user's words; "" where the error does not tell."""
    text = str(error)
    if found := _INPUT_CHANNELS.search(text):
        return (
            f"It takes images of {found[1]} channels, and is given three. Let the function that "
            "[model] source names return a module that first makes three channels into "
            f"{found[1]}: `images.mean(1, keepdim=True)` makes one."
        )
    if found := _MISSING.search(text):
        return (
            f"It takes more than images: {found[1]}. Let the function that [model] source names "
            "return a module whose forward takes images alone and gives it the rest."
        )
    if _TYPES.search(text):
        return "Return it in single precision from [model] source: `model.float().eval()`."
    if _SHAPES.search(text):
        return "Set [model.preprocessing] size to the size it was trained with."
    return ""
