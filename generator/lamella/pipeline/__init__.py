"""From a config to a full store: what is wanted, what is missing, in which order."""
