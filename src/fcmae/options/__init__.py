"""Converts option dataclasses to and from text, YAML and keyword arguments."""
