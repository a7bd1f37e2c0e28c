"""The architecture of a network as a drawing: from the traced layers to boxes and lines."""
