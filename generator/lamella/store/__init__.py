"""Shards on disk, and what they hold, in the form in which analyses and pages read it."""
