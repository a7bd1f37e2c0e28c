"""Generated pictures whose every property is known, and what units say to them.

Flow: model -> **stimuli** -> panels. The families (gratings, curves, colours, discs) are arithmetic
on numpy arrays; only `run.py`, which shows them to a network, needs torch, and imports it when it
runs.
"""
