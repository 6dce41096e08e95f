"""``fcmae finetune|evaluate|predict segment``."""
