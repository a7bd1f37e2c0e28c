"""Arithmetic that several analyses share: no torch, no disk, no pages."""
