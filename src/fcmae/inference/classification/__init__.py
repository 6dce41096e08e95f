"""Evaluates classifiers and classifies images."""
