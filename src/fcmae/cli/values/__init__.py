"""``fcmae finetune|evaluate|predict values``."""
