"""What is stored of each feature visualization, in numbers."""

BOUND = 1e-5  # of its value, within which an activation is at a bound


GREY = 0.02  # a picture whose pixels deviate by less shows nothing
