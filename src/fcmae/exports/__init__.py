"""Models for other tools: their names, their files, and how to load them there."""
