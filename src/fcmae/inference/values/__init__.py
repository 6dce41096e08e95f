"""Evaluates estimators and estimates labels or numbers of images."""
