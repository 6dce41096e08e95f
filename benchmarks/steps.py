"""Whole training steps: FCMAE on visible patches against every dense way of doing the same.

    python benchmarks/steps.py --model atto tiny --type float32 bfloat16
    python benchmarks/steps.py --device cuda --model tiny base huge --type bfloat16 --batch 128 \\
        --way visible masked-compiled

A step is encoder, decoder, loss, gradients and AdamW at 224 pixels with 60 % of the patches hidden.
"timm" is timm's encoder on images whose hidden patches are zero, with our decoder behind it. The
ways on visible patches and masked dense are first held to the same loss and gradients. Rows go to
``benchmarks/results/steps.csv`` (``--out`` names another).
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial

import timing
import timm
import torch
from einops import rearrange
from torch import Tensor, nn
from torch.testing import assert_close

from fcmae.engine.memory import keep_freed_memory
from fcmae.kernels import choice
from fcmae.kernels.patches import take_patches
from fcmae.loss.pixels import pixel_error
from fcmae.masking import patch_grid
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import Encoded
from fcmae.model.layout import Dense, Visible
from fcmae.model.options import architecture
from fcmae.types import Images, VisiblePatches

TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
WAYS = ("visible", "masked", "masked-compiled", "timm", "timm-compiled")
CLASSES = 1000

Loss = Callable[[], Tensor]
Steps = dict[str, Callable[[], None]]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is trained: the model, the type of its products, and the images of a step."""

    model: str
    type: str
    batch: int
    size: int = 224
    ratio: float = 0.6


class Leaking(nn.Module):
    """timm's dense encoder, our decoder."""

    def __init__(self, model: str, ours: Autoencoder) -> None:
        super().__init__()
        self.encoder = timm.create_model(f"convnextv2_{model}", num_classes=0)
        self.decoder, self.target = ours.decoder, ours.target

    def forward(self, images: Images, where: Tensor, patches: Tensor, hidden: Tensor) -> Tensor:
        """The loss, from what is visible of the images."""
        map_ = self.encoder.forward_features(images * where)
        layout = Dense(*map_.shape[-2:])
        encoded = Encoded(features=rearrange(map_, "n c h w -> n (h w) c"), layout=layout)
        return pixel_error(self.decoder([encoded], hidden), patches, self.target).mean()


def main() -> None:
    """Every model and type."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", nargs="+", default=["atto", "tiny"])
    parser.add_argument("--type", nargs="+", choices=TYPES, default=list(TYPES))
    parser.add_argument("--way", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", default="steps")
    args = parser.parse_args()
    keep_freed_memory()
    timing.write(args.out, rows(args))


def rows(args: argparse.Namespace) -> Iterator[timing.Row]:
    """One for each model, type and way, then V2 and V1 trained on whole images."""
    device = torch.device(args.device)
    for model in args.model:
        for name in args.type:
            setting = Setting(model=model, type=name, batch=args.batch, size=args.size)
            yield from timed("pretrain", pretraining(setting, device, args.way), setting, args)
            yield from timed("dense", dense(setting, device), setting, args)


def timed(
    kind: str, steps: Steps, setting: Setting, args: argparse.Namespace
) -> Iterator[timing.Row]:
    """A row for each way of one setting."""
    device = torch.device(args.device)
    for way, seconds in timing.in_turns(steps, args.rounds, device).items():
        yield {
            "kind": kind, **asdict(setting), "way": way, "ms": f"{1000 * seconds:.2f}",
            "images_per_s": f"{setting.batch / seconds:.2f}", **timing.origin(device),
        }  # fmt: skip


def pretraining(setting: Setting, device: torch.device, ways: list[str]) -> Steps:
    """A step for each way, after visible patches only and masked dense were found to agree."""
    torch.manual_seed(0)
    net = Autoencoder(architecture(setting.model)).to(device)
    images = torch.randn(setting.batch, 3, setting.size, setting.size, device=device)
    visible = drawn(setting, net).to(device)
    verify(net, images[:2], visible[:2])
    step = partial(train, type_=TYPES[setting.type])
    masked = partial(net, images, visible, masked_dense=True)
    made: dict[str, Callable[[], Callable[[], None]]] = {
        "visible": lambda: step(net, lambda: net(images, visible).loss, kernels=fast(device)),
        "masked": lambda: step(net, lambda: masked().loss),
        "masked-compiled": lambda: step(net, torch.compile(lambda: masked().loss)),
        "timm": lambda: leaking(setting.model, net, images, visible, step, compiled=False),
        "timm-compiled": lambda: leaking(setting.model, net, images, visible, step, compiled=True),
    }
    return {way: made[way]() for way in ways}


def drawn(setting: Setting, net: Autoencoder) -> VisiblePatches:
    """Visible patches of a step's images."""
    rows, columns = patch_grid(setting.size, setting.size, net.patch)
    num_visible = max(1, round((1 - setting.ratio) * rows * columns))
    order = torch.rand(setting.batch, rows * columns).argsort(1)
    return order[:, :num_visible].sort(dim=1).values


def leaking(
    model: str,
    net: Autoencoder,
    images: Images,
    visible: VisiblePatches,
    step: Callable[[nn.Module, Loss], Callable[[], None]],
    *,
    compiled: bool,
) -> Callable[[], None]:
    """A step of timm's encoder with a decoder of its own."""
    size, patch = images.shape[-1], net.patch
    layout = Visible(
        visible, patch_grid(size, size, patch), patch // net.encoder.architecture.stride
    )
    hidden = layout.hidden_places()
    shown = torch.zeros(len(images), layout.height * layout.width, device=images.device)
    shown = shown.scatter(1, layout.places, 1.0).view(-1, 1, layout.height, layout.width)
    where = nn.functional.interpolate(shown, size=images.shape[-2:])
    patches = take_patches(images, net.encoder.architecture.stride, hidden)
    module = Leaking(model, Autoencoder(net.encoder.architecture)).to(images.device)
    loss = torch.compile(module) if compiled else module
    return step(module, lambda: loss(images, where, patches, hidden))


def dense(setting: Setting, device: torch.device) -> Steps:
    """Training on whole images: V2, V1, and timm's V2."""
    images = torch.randn(setting.batch, 3, setting.size, setting.size, device=device)
    steps = {}
    for way, net in {
        "v2": Classifier(architecture(setting.model), num_classes=CLASSES),
        "v1": Classifier(architecture(f"v1-{setting.model}"), num_classes=CLASSES),
        "timm-v2": timm.create_model(f"convnextv2_{setting.model}", num_classes=CLASSES),
    }.items():
        net.to(device)
        kernels = "reference" if way.startswith("timm") else fast(device)
        loss = partial(lambda net: net(images).float().square().mean(), net)
        steps[way] = train(net, loss, type_=TYPES[setting.type], kernels=kernels)
    return steps


def fast(device: torch.device) -> choice.Kernels:
    """The kernels for a device."""
    return "triton" if device.type == "cuda" else "auto"


def train(
    net: nn.Module, loss: Loss, *, type_: torch.dtype, kernels: choice.Kernels = "reference"
) -> Callable[[], None]:
    """A step that trains ``net``."""
    device = next(net.parameters()).device
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-6, fused=True)

    def step() -> None:
        narrow = type_ != torch.float32
        with choice.using(kernels):
            with torch.autocast(device.type, type_, enabled=narrow):
                value = loss()
            value.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def verify(net: Autoencoder, images: Images, visible: VisiblePatches) -> None:
    """Visible patches only, by the kernels, against the definition: the loss and its gradients."""
    results = []
    for kernels, masked in ((fast(images.device), False), ("reference", True)):
        with choice.using(kernels):
            loss = net(images, visible, masked_dense=masked).loss
            results.append([loss.detach(), *torch.autograd.grad(loss, list(net.parameters()))])
    for ours, exact in zip(*results, strict=True):
        scale = exact.abs().max().item()
        assert_close(ours, exact, rtol=0, atol=1e-3 * scale + 1e-6)


if __name__ == "__main__":
    main()
