"""Writes features of images, and evaluates them by k-NN and linear probes."""
