"""Folders of runs become one page that opens without a network."""
