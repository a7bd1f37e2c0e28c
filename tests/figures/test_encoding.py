"""Pictures are WebP."""

import io

from PIL import Image

from lamella.figures.encoding import encode


def test_encoded_pictures_are_webp():
    picture = Image.open(io.BytesIO(encode(Image.new("RGB", (8, 8)), 80)))
    assert picture.format == "WEBP"
