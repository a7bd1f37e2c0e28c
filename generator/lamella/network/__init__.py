"""A torch module, read: its layers, the values inside it, and what its operations say of them."""
