"""The space of images: where each image lies among all, by what a layer sees in it.

Flow: images + model -> features -> neighbours, layouts -> mosaics -> store; page tells of them.
"""
