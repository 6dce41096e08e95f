"""``fcmae launch``: one training in several processes."""
