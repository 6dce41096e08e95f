"""``fcmae bench`` and ``fcmae cost``: what trainings take."""
