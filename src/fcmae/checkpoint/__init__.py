"""Weights at rest: atomic, hashed, free of pickle."""
