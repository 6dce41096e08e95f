"""Results as a terminal shows them, one file per task."""
