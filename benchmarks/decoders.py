"""A pre-training step with each decoder of table 1: what a decoder costs beside its accuracy.

    python benchmarks/decoders.py              Atto, 64 pixels, stem 2: as in real-images.yaml
    python benchmarks/decoders.py --size 224 --stem 4 --batch 16

A step is encoder on visible patches, decoder, loss, gradients and AdamW, 60 % hidden. Rows go to
``benchmarks/results/decoders.csv``.
"""

import argparse
from collections.abc import Iterator
from functools import partial

import steps
import timing
import torch
from torch import Tensor

from fcmae.engine.memory import keep_freed_memory
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import DecoderOptions, architecture

DECODERS = {
    "block": DecoderOptions(),
    "block, depth 4": DecoderOptions(depth=4),
    "unet": DecoderOptions(kind="unet"),
    "unet-skip": DecoderOptions(kind="unet-skip"),
    "transformer": DecoderOptions(kind="transformer"),
    "transformer, depth 8": DecoderOptions(kind="transformer", depth=8),
}


def main() -> None:
    """One row for each decoder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", default="atto")
    parser.add_argument("--stem", type=int, choices=(4, 2, 1), default=2)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--type", choices=steps.TYPES, default="bfloat16")
    parser.add_argument("--rounds", type=int, default=7)
    keep_freed_memory()
    timing.write("decoders", rows(parser.parse_args()))


def rows(args: argparse.Namespace) -> Iterator[timing.Row]:
    """Time and parameters of a step with each decoder, relative to that with the paper's."""
    device = torch.device(args.device)
    setting = steps.Setting(model=args.model, type=args.type, batch=args.batch, size=args.size)
    shape = architecture(args.model, stem=args.stem)
    images = torch.randn(args.batch, 3, args.size, args.size, device=device)
    nets = {name: Autoencoder(shape, decoder=d).to(device) for name, d in DECODERS.items()}
    visible = steps.drawn(setting, nets["block"]).to(device)
    kernels = steps.fast(device)

    def loss(net: Autoencoder) -> Tensor:
        value: Tensor = net(images, visible).loss
        return value

    ways = {
        name: steps.train(net, partial(loss, net), type_=steps.TYPES[args.type], kernels=kernels)
        for name, net in nets.items()
    }
    seconds = timing.in_turns(ways, args.rounds, device)
    for name, net in nets.items():
        parameters = sum(p.numel() for p in net.parameters())
        encoder = sum(p.numel() for p in net.encoder.parameters())
        yield {
            "decoder": name, "ms": f"{1000 * seconds[name]:.1f}",
            "of_block": f"{seconds[name] / seconds['block']:.2f}",
            "decoder_parameters": parameters - encoder, "encoder_parameters": encoder,
            "model": args.model, "stem": args.stem, "size": args.size, "batch": args.batch,
            "type": args.type, **timing.origin(device),
        }  # fmt: skip


if __name__ == "__main__":
    main()
