"""The commands that learn without labels: ``pretrain``, ``contrast``, and ``reconstruct``."""
