"""Which part of an image one unit answers to: by guided backpropagation, and under masks."""
