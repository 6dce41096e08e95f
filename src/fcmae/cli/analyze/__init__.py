"""``fcmae analyze``: a look inside."""
