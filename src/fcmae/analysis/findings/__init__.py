"""Findings of analyses: a picture, its numbers, and a summary of each."""
