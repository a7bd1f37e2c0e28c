"""Judging: for each class, what the network looks at when it decides for it."""
