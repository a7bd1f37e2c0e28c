"""Whether a picture explains its unit: an exam in likeness, and the path through the network.

Flow: survey + pictures -> **explaining** -> panels/explanation.py.
"""
