"""Options meet files: weights, nets, sizes and images, checked before PyTorch is imported."""
