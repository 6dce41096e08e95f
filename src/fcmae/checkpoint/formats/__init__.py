"""Weight formats of other libraries: a file per format, one table for both directions."""
