"""What the decoder must predict, and how far off it is; which views belong together."""
