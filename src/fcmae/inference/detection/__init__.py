"""Evaluates detectors and detects objects in images."""
