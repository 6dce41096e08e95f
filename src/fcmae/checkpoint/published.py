"""The published weights that have names here: where they are, and what is known about them."""

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from fcmae.model.timm_options import TimmArchitecture

OFFICIAL = "https://dl.fbaipublicfiles.com/convnext/"
HUB_FILES = ("model.safetensors", "pytorch_model.bin")
NON_COMMERCIAL = "CC-BY-NC-4.0"
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

V2 = ("atto", "femto", "pico", "nano", "tiny", "base", "large", "huge")
V2_22K = {
    224: ("nano", "tiny", "base", "large"),
    384: ("nano", "tiny", "base", "large", "huge"),
    512: ("huge",),
}
V1_1K = ("tiny", "small", "base", "large")
V1_22K = (*V1_1K, "xlarge")
TIMM_V1 = {
    "d2_in1k": ("atto",),
    "d1_in1k": ("femto", "pico"),
    "d1h_in1k": ("nano",),
    "in12k": ("nano", "tiny", "small"),
    "in12k_ft_in1k": ("nano", "tiny", "small"),
    "in12k_ft_in1k_384": ("tiny", "small"),
    "r384_in12k": ("nano",),
    "r384_ad_in12k": ("nano",),
    "r384_in12k_ft_in1k": ("nano",),
    "fb_in1k": V1_1K,
    "fb_in22k": V1_22K,
    "fb_in22k_ft_in1k": V1_22K,
    "fb_in22k_ft_in1k_384": V1_22K,
    "dinov3_lvd1689m": V1_1K,
    "eupe_lvd1689m": ("tiny", "small", "base"),
    "clip_laion2b": ("base",),
    "clip_laion2b_augreg": ("base",),
    "clip_laion2b_augreg_ft_in1k": ("base",),
    "clip_laion2b_augreg_ft_in12k": ("base",),
    "clip_laion2b_augreg_ft_in12k_in1k": ("base",),
    "clip_laion2b_augreg_ft_in12k_in1k_384": ("base",),
    "clip_laiona": ("base",),
    "clip_laiona_320": ("base",),
    "clip_laiona_augreg_320": ("base",),
    "clip_laiona_augreg_ft_in1k_384": ("base",),
}
"""Sets of V1 weights in timm whose nets have nothing but what a ConvNeXt V1 has."""
TIMM_LICENCES = {
    "dinov3": "DINOv3 licence",
    "eupe": "FAIR noncommercial research licence",
}


@dataclass(frozen=True, kw_only=True)
class Published:
    """Weights that somebody published.

    Attributes:
        name: Their name here.
        repo: Repository on the Hugging Face hub; empty for those at an address.
        url: Address of those that are not on the hub.
        revision: Commit, branch or tag on the hub.
        facts: What is known: licence, and size, mean and std of the images they were made for.
        net: The net of timm that they are of, where it is not translated into one of ours.
    """

    name: str
    repo: str = ""
    url: str = ""
    revision: str | None = None
    facts: dict[str, object] = field(default_factory=dict)
    net: TimmArchitecture | None = None


def unknown(source: str, known: Collection[str], what: str = "sets") -> str:
    """Error for a name that its source does not have."""
    place, _, name = source.partition(":")
    close = difflib.get_close_matches(name, known, n=3) or list(known)[:3]
    return (
        f"{source} is not among the {len(known)} {what} of {place} that are known: did you mean "
        f"{' or '.join(f'{place}:{entry}' for entry in close)}?"
        f"{' Others on the hub are hf:OWNER/NAME.' if what == 'sets' else ''}"
    )


def _facts(licence: str, size: int, *, clip: bool = False) -> dict[str, object]:
    facts: dict[str, object] = {"licence": licence, "size": (size, size)}
    return {**facts, "mean": CLIP_MEAN, "std": CLIP_STD} if clip else facts


def _timm() -> Iterator[tuple[str, dict[str, object]]]:
    for size in V2:
        yield f"convnextv2_{size}.fcmae", _facts(NON_COMMERCIAL, 224)
        yield f"convnextv2_{size}.fcmae_ft_in1k", _facts(NON_COMMERCIAL, 224)
    for side, sizes in V2_22K.items():
        ending = "" if side == 224 else f"_{side}"
        for size in sizes:
            name = f"convnextv2_{size}.fcmae_ft_in22k_in1k{ending}"
            yield name, _facts(NON_COMMERCIAL, side)
    for tag, sizes in TIMM_V1.items():
        licence = TIMM_LICENCES.get(tag.partition("_")[0], "Apache-2.0")
        clip = tag.startswith("clip")
        usual = 256 if clip or tag.startswith("eupe") else 224
        for size in sizes:
            yield f"convnext_{size}.{tag}", _facts(licence, _side(tag, usual), clip=clip)


def _hugging_face() -> Iterator[tuple[str, dict[str, object]]]:
    for size in V2:
        yield f"facebook/convnextv2-{size}-1k-224", _facts(NON_COMMERCIAL, 224)
    for side, sizes in V2_22K.items():
        for size in sizes:
            yield f"facebook/convnextv2-{size}-22k-{side}", _facts(NON_COMMERCIAL, side)
    for size in V1_1K:
        yield f"facebook/convnext-{size}-224", _facts("Apache-2.0", 224)
    for size in ("base", "large"):
        yield f"facebook/convnext-{size}-384", _facts("Apache-2.0", 384)
    for size in ("base", "large", "xlarge"):
        for name in (f"{size}-224-22k", f"{size}-224-22k-1k", f"{size}-384-22k-1k"):
            yield f"facebook/convnext-{name}", _facts("Apache-2.0", _side(name, 224))


def _official() -> Iterator[tuple[str, tuple[str, dict[str, object]]]]:
    for size in V2:
        model, facts = f"convnextv2_{size}", _facts(NON_COMMERCIAL, 224)
        yield f"{size}-fcmae", (f"convnextv2/pt_only/{model}_1k_224_fcmae.pt", facts)
        yield f"{size}-1k-224", (f"convnextv2/im1k/{model}_1k_224_ema.pt", facts)
    for side, sizes in V2_22K.items():
        for size in sizes:
            file = f"convnextv2/im22k/convnextv2_{size}_22k_{side}_ema.pt"
            yield f"{size}-22k-{side}", (file, _facts(NON_COMMERCIAL, side))
    for size in V1_22K:
        average = "_ema" if size == "xlarge" else ""
        if size in V1_1K:
            yield f"v1-{size}-1k-224", (f"convnext_{size}_1k_224_ema.pth", _facts("MIT", 224))
        yield f"v1-{size}-22k-224", (f"convnext_{size}_22k_224.pth", _facts("MIT", 224))
        for side in (224, 384):
            file = f"convnext_{size}_22k_1k_{side}{average}.pth"
            yield f"v1-{size}-22k-1k-{side}", (file, _facts("MIT", side))


def _side(name: str, usual: int) -> int:
    found = re.search(r"(?<!\d)(224|320|384)(?!\d)", name)
    return int(found[1]) if found else usual


TIMM = dict(_timm())
HUGGING_FACE = dict(_hugging_face())
OFFICIAL_FILES = dict(_official())
