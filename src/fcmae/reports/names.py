"""Metrics in words, and numbers as people read them."""

from fcmae.reports.run import Number

PLACES = {
    "val": "validation",
    "neighbours": "nearest neighbours",
    "reconstructions": "reconstructions",
    "feature_distance": "feature distance",
}
METRICS = {
    "loss": "loss",
    "lr": "learning rate",
    "grad_norm": "gradient norm",
    "images_per_s": "images per second",
    "data_wait": "time spent waiting for images (share)",
    "top1": "top-1 accuracy",
    "top5": "top-5 accuracy",
    "miou": "mean intersection over union",
    "pixel_accuracy": "pixel accuracy",
    "mean_accuracy": "mean accuracy of classes",
    "mean_ap": "mean average precision",
    "mae": "mean absolute error",
    "r2": "R² (explained variance)",
    "box_ap": "average precision of boxes",
    "box_ap50": "average precision of boxes at IoU 0.5",
    "box_ap75": "average precision of boxes at IoU 0.75",
    "mask_ap": "average precision of masks",
    "mask_ap50": "average precision of masks at IoU 0.5",
    "mask_ap75": "average precision of masks at IoU 0.75",
    "min": "smallest of all blocks",
    "mean": "mean of all blocks",
}
TASKS = {
    "pretrain": "pre-training (FCMAE)",
    "contrast": "pre-training (MoCo v3)",
    "finetune classify": "classification",
    "finetune detect": "detection",
    "finetune segment": "segmentation",
    "finetune values": "several values",
}


def in_words(metric: str) -> str:
    """A metric's name for people: ``val/top1`` is the top-1 accuracy of the validation."""
    place, _, name = metric.rpartition("/")
    words = METRICS.get(name, name.replace("_", " "))
    where = PLACES.get(place, place.replace("_", " "))
    text = f"{where}: {words}" if where else words
    return text[:1].upper() + text[1:]


def short(value: Number) -> str:
    """A number in five digits; whole numbers in full."""
    if isinstance(value, int) or (value == int(value) and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:.5g}"
