"""``fcmae finetune|evaluate|predict detect``."""
