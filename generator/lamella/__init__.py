"""Lamella slices a trained vision network into its units and lays each under glass."""

__version__ = "0.1.0"
