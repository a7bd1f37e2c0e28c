"""Whether attribution maps can be trusted: what they keep of a network that knows nothing, what
removing and inserting their pixels does, and whether they point at the thing."""
