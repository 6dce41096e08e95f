"""``fcmae demo``."""
