"""Targets and losses of reconstruction and contrast."""
