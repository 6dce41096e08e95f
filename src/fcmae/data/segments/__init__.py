"""Label maps: images in which every pixel names a class."""
