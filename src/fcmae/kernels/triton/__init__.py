"""The hot operations for GPUs, in Triton: arithmetic only, what calls it is one floor up."""
