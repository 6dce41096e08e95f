"""Looks inside encoders: options, nets to look into, and the analyses one after the other."""
