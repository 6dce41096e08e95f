"""The six trainings as a library, apart from any console."""
