"""What the network looked at in single images: chosen, explained by every method, drawn, told."""
