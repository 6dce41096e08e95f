"""Trained models over images: evaluate, predict, embed, reconstruct, and predictions in Python."""
