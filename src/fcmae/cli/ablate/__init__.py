"""``fcmae ablate``: comparisons by a plan."""
