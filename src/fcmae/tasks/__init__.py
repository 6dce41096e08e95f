"""What one training step means: reconstruct, contrast, classify, detect, estimate, segment."""
