"""``fcmae export`` and ``fcmae convert``."""
