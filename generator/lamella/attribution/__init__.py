"""Attribution: which part of an image a score of the network rests on, by several methods."""
