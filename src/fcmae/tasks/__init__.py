"""Training steps: reconstruct, contrast, classify, detect, estimate, segment."""
