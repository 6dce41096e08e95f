"""``fcmae check`` and ``fcmae pack``: data sets before any model."""
