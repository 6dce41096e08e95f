"""Images that a program holds or makes: arrays, lists, data sets and streams, with their labels."""
