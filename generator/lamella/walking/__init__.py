"""One image on its way through the network: chosen, seen layer by layer, drawn, told."""
