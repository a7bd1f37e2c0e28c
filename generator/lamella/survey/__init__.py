"""One pass over the images for all layers at once, through mergeable collectors."""
