"""``fcmae finetune|evaluate|predict classify``."""
