"""Objects in images, as boxes and outlines: label files of three kinds become one table."""
