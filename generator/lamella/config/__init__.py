"""atlas.toml: what an atlas is of, and where it goes."""
