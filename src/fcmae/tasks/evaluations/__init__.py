"""Evaluations that watch a training: they measure or draw its model after some epochs."""
