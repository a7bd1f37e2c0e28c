"""A unit as a notebook shows it: a piece of HTML that needs no file beside it.

Flow: opened -> **notebook**.
"""

import base64
import io
from collections.abc import Mapping, Sequence

from markupsafe import Markup
from PIL import Image

from lamella.figures import short

SHOWN = 6  # examples
ROW = Markup('<div style="display:flex;flex-wrap:wrap;gap:4px;align-items:flex-start">{}</div>')
IMAGE = Markup('<img src="data:image/png;base64,{}" alt="{}" style="height:{}px;margin:0">')


def shown(
    title: str,
    picture: Image.Image | None,
    examples: Sequence[Image.Image],
    numbers: Mapping[str, float],
) -> str:
    """A unit's name, pictures and numbers."""
    images = [_image(picture, f"Feature visualization of {title}", 192)] if picture else []
    images += [
        _image(each, f"Example {place}", 94) for place, each in enumerate(examples[:SHOWN], 1)
    ]
    words = ", ".join(f"{name.replace('_', ' ')} {short(value)}" for name, value in numbers.items())
    row = ROW.format(Markup("").join(images))
    return str(Markup("<div><strong>{}</strong>{}<div>{}</div></div>").format(title, row, words))


def _image(image: Image.Image, alt: str, height: int) -> Markup:
    file = io.BytesIO()
    image.save(file, "PNG")
    return IMAGE.format(base64.b64encode(file.getvalue()).decode(), alt, height)
