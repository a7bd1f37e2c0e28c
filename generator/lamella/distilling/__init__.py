"""How activations change along depth: what is measured, what is claimed of it, how it is shown."""
