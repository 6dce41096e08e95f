"""Numbers of the paper, by plan and cell, as its tables print them."""

PAPER: dict[str, dict[str, float | None]] = {
    # Section 3
    "sparse-vs-leaking": {"sparse": 83.7, "leaking": 79.3, "leaking-token": None},
    "supervised-vs-fcmae": {"supervised-short": 82.7, "supervised-long": 83.8, "fcmae": 83.7},
    # Table 1
    "table-1-decoders": {"unet-skip": 83.7, "unet": 83.5, "transformer": 83.4, "block": 83.7},
    "decoder-depth": {
        "depth=1": 83.7, "depth=2": 83.5, "depth=4": 83.7, "depth=8": 83.6, "depth=12": 83.3,
    },
    "decoder-width": {
        "width=128": 83.5, "width=256": 83.7, "width=512": 83.7, "width=768": 83.6,
        "width=1024": 83.5,
    },
    # Table 2
    "table-2a-aggregation": {"mean": 83.7, "l1": 84.3, "l2": 84.6},
    "table-2b-normalization": {"standardize": 84.5, "one-over-sum": 83.8, "over-mean": 84.6},
    "table-2c-residual": {"without": 84.0, "with": 84.6},
    "table-2d-norms": {
        "none": 83.7, "lrn": 83.2, "batchnorm": 80.5, "layernorm": 83.8, "grn": 84.6,
    },
    "table-2e-gates": {"none": 83.7, "se": 84.4, "cbam": 84.5, "grn": 84.6},
    "table-2f-where": {"neither": 83.7, "dropped": 78.8, "added": 80.6, "both": 84.6},
    # Table 3
    "table-3-codesign": {
        "v1-supervised": 83.8, "v1-fcmae": 83.7, "v2-supervised": 84.3, "v2-fcmae": 84.6,
        "v1-large-supervised": 84.3, "v1-large-fcmae": 84.4, "v2-large-supervised": 84.5,
        "v2-large-fcmae": 85.6,
    },
    # Table 4
    "table-4-methods": {
        "mae-base": 83.6, "fcmae-base": 84.9, "mae-large": 85.9, "fcmae-large": 85.8,
        "mae-huge": 86.9, "fcmae-huge": 86.3,
    },
    # Table 16, appendix D
    "table-16-components": {
        "none": 83.7, "affine-only": 83.9, "aggregation-only": 83.9, "normalization-only": None,
        "both": 84.6,
    },
    "moco": {"supervised": 84.3, "moco": 83.7, "fcmae": 84.9},
}  # fmt: skip
# Table 14: V1 supervised, V2 supervised, V2 with FCMAE
SIZES = {
    "atto": (75.7, 76.2, 76.7),
    "femto": (77.5, 78.0, 78.5),
    "pico": (79.5, 79.7, 80.3),
    "nano": (80.8, 81.2, 81.9),
    "tiny": (82.1, 82.5, 83.0),
    "base": (83.8, 84.3, 84.9),
    "large": (84.3, 84.5, 85.8),
}
PAPER["table-14-sizes"] = {"v2-huge-fcmae": 86.3}
for size, numbers in SIZES.items():
    cells = (f"v1-{size}-supervised", f"v2-{size}-supervised", f"v2-{size}-fcmae")
    PAPER["table-14-sizes"] |= dict(zip(cells, numbers, strict=True))
