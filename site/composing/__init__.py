"""How labelled scenes are composed: scenes.py -> instances.py -> grounds.py, scene.py."""
