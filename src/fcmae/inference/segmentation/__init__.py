"""Evaluates segmenters and segments images."""
