"""Photographs that lie under the stamps: as a ground without a label, and as a material with one.

Flow: instances.py -> **grounds.py**. Two tables, made by looking at the photographs of GCompris
and scikit-image; nothing is read here.

Monuments, and not photographs with animals in them: what a ground shows has no label. Left out
are those with little to see: dark, without colour, or taken by night.
"""

from collections.abc import Mapping

Box = tuple[float, float, float, float]  # left, top, right, bottom; shares of width and height

# Material: photograph, and the part of it that shows the material and nothing else.
CROPS: Mapping[str, Mapping[str, Box]] = {
    "foliage": {
        "monuments/ajantaCave.webp": (0.3, 0.65, 1.0, 1.0),
        "monuments/greatWallofChina.webp": (0.5, 0.62, 1.0, 1.0),
        "monuments/neuschwansteinCastle.webp": (0.0, 0.87, 1.0, 1.0),
        "monuments/pontduGard.webp": (0.3, 0.84, 0.9, 1.0),
        "monuments/rocamadour.webp": (0.1, 0.88, 0.6, 1.0),
        "renewable-energy/dam4.webp": (0.3, 0.1, 1.0, 0.3),
    },
    "grass": {
        "monuments/TourEiffel_background.webp": (0.0, 0.88, 1.0, 1.0),
        "monuments/chateaudeChambord.webp": (0.0, 0.72, 1.0, 1.0),
        "monuments/monument2.webp": (0.0, 0.87, 1.0, 1.0),
        "monuments/trierImperialBaths.webp": (0.2, 0.84, 1.0, 1.0),
        "monuments/victoriaMemorial-2.webp": (0.0, 0.88, 1.0, 1.0),
        "renewable-energy/windmill4.webp": (0.0, 0.87, 0.9, 1.0),
        "renewable-energy/windmill5.webp": (0.25, 0.9, 1.0, 1.0),
    },
    "sky": {
        "monuments/chichenItza.webp": (0.0, 0.0, 0.3, 0.33),
        "monuments/christTheRedeemer.webp": (0.0, 0.0, 0.3, 0.42),
        "monuments/eiffelTower-2.webp": (0.0, 0.0, 0.4, 0.45),
        "monuments/jucheTower.webp": (0.0, 0.0, 0.38, 0.6),
        "monuments/monument1.webp": (0.0, 0.0, 0.33, 0.4),
        "monuments/mountRushmore-2.webp": (0.0, 0.0, 1.0, 0.2),
        "monuments/statueOfLiberty.webp": (0.0, 0.0, 0.25, 0.45),
        "monuments/tajMahal-2.webp": (0.0, 0.0, 0.33, 0.28),
        "monuments/usCapitol.webp": (0.0, 0.0, 0.4, 0.3),
        "monuments/victoriaMemorial.webp": (0.6, 0.0, 1.0, 0.33),
    },
    "stone": {
        "scikit-image/brick.png": (0.0, 0.0, 1.0, 1.0),
        "scikit-image/gravel.png": (0.0, 0.0, 1.0, 1.0),
    },
    "water": {
        "monuments/EilanDonanCastle_background.webp": (0.0, 0.78, 1.0, 1.0),
        "monuments/chateaudeChenonceau.webp": (0.05, 0.7, 0.5, 0.82),
        "monuments/goldenTemple.webp": (0.0, 0.75, 1.0, 1.0),
        "monuments/operaHouse.webp": (0.0, 0.84, 1.0, 1.0),
        "renewable-energy/dam2.webp": (0.05, 0.75, 0.6, 1.0),
        "renewable-energy/geothermal.webp": (0.0, 0.83, 0.8, 1.0),
    },
}

# Where a material belongs: sky above, what one walks and swims on below. Others lie anywhere.
SIDES: Mapping[str, tuple[str, ...]] = {
    "grass": ("bottom",),
    "sky": ("top",),
    "water": ("bottom",),
}
ANY_SIDE = ("top", "bottom", "left", "right")

GROUNDS = tuple(
    f"monuments/{name}.webp"
    for name in (
        *("GizahPyramids_background", "IndiaGate", "Nagoya_background", "TajMahal_background"),
        *("arcDeTriomphe", "arlesAmphitheater", "aulaPalatina", "bayterek", "bentPyramid"),
        *("berlinCathedral", "brandenburgGate", "burj", "cabrillo", "canyondeChelly"),
        *("castillodeSanMarcos", "cathedral", "charminar", "christTheRedeemer-2"),
        *("citedeCarcassonne", "colosseum", "eiffelTower", "empireState", "fortSumter"),
        *("greatPyramidOfGiza", "greatStupa", "greatWall", "hawaMahal", "konarkSunTemple"),
        *("kutubMinar", "leMusee", "leaningTowerOfPisa", "machuPicchu", "meidumPyramid"),
        *("montStMichel", "monument3", "mountRushmore", "mysorePalace", "navajo"),
        *("palaisdesPapes", "parthenon", "petra", "qutubMinar", "rangGhar", "redPyramid"),
        *("reimsCathedral", "schwerinPalace", "statueofLiberty-2", "tajMahal", "wormsCathedral"),
    )
)
