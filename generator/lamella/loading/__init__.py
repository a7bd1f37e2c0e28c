"""Where a network comes from: a library or a function of the user's own, and its weights."""
