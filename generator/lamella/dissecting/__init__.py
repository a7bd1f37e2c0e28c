"""Network dissection: which units mark a concept that people have a word for.

Source: Bau, Zhou, Khosla, Oliva and Torralba 2017, "Network Dissection: Quantifying
Interpretability of Deep Visual Representations", arXiv:1704.05796.
"""
