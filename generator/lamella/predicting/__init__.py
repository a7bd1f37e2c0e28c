"""Predictions: what the network answers to all images, and what it takes for what."""
