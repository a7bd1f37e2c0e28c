"""Maps and grids, drawn."""

import json

import numpy as np

from lamella.analyses.image_embeddings.mosaic import drawn, gridded, tiled
from lamella.analyses.image_embeddings.stored import Mosaic


def test_a_mosaic_shows_each_image_where_it_says() -> None:
    shades = np.arange(7, dtype=np.uint8) * 30 + 20
    thumbnails = np.broadcast_to(shades[:, None, None, None], (7, 16, 16, 3)).copy()
    size, placed = gridded([3, 0, 6, 1, 2, 5, 4], 4, 16)
    picture = drawn(size, placed, thumbnails)
    assert picture.size == (64, 32) and picture.getpixel((63, 31))[3] == 0  # type: ignore[index]
    for row, left, top, _ in placed:
        assert picture.getpixel((left + 8, top + 8)) == (*[int(shades[row])] * 3, 255)
    mosaic, shard = tiled("m", picture, placed, range(10, 17), 5, 80)
    assert shard.channels == (5,) and set(shard.pictures) == {"m", "m-still"}
    assert mosaic.placed[0] == (10, 48, 0, 16)
    assert Mosaic.from_dict(json.loads(json.dumps(mosaic.as_dict()))) == mosaic
