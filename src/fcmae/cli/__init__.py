"""The front door: one file per command, its options and one page of wiring."""
