"""Evaluates features and models: k-NN, linear probe, accuracy, average precision, mIoU."""
