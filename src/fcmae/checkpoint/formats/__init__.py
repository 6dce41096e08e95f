"""How other libraries name and shape the same weights: a file per format, a table for both ways."""
