"""What one training step means: reconstruct, classify."""
