"""``fcmae embed`` and ``fcmae evaluate neighbours|linear``: what features are worth."""
