"""Classifiers on whole images, on the CPU: ours against timm, compiled timm and ONNX Runtime.

    python benchmarks/inference.py --model atto tiny --batch 1 32 [--way ours timm onnx ...]

First every way is held to the same outputs, then all are timed in turns. Rows go to
``benchmarks/results/inference.csv`` (``--out`` names another).
"""

import argparse
from collections.abc import Callable, Iterator

import timing
import timm
import torch
from torch import Tensor
from torch.testing import assert_close

from fcmae.checkpoint.formats.registry import FORMATS
from fcmae.engine.memory import keep_freed_memory
from fcmae.kernels import choice
from fcmae.model.classifier import Classifier
from fcmae.model.options import architecture

CPU = torch.device("cpu")
WAYS = ("ours", "ours-v1", "reference", "timm", "timm-compiled", "onnx")
CLASSES = 1000


def main() -> None:
    """Time every combination of model and batch."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", nargs="+", default=["atto", "tiny"])
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 32])
    parser.add_argument("--way", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--out", default="inference")
    args = parser.parse_args()
    keep_freed_memory()  # as our commands do; it serves every way
    timing.write(args.out, rows(args))


def rows(args: argparse.Namespace) -> Iterator[timing.Row]:
    """One for each model, batch and way."""
    for model in args.model:
        for batch in args.batch:
            made = ways(model, batch, args.way, args.size)
            with torch.inference_mode():
                times = timing.in_turns(made, args.rounds, CPU)
            for way, seconds in times.items():
                yield {
                    "model": model, "batch": batch, "way": way, "ms": f"{1000 * seconds:.2f}",
                    "images_per_s": f"{batch / seconds:.1f}", **timing.origin(CPU),
                }  # fmt: skip


def ways(model: str, batch: int, names: list[str], size: int) -> dict[str, Callable[[], Tensor]]:
    """What each way computes, on the same weights and images, after they were found to agree."""
    torch.manual_seed(0)
    images = torch.randn(batch, 3, size, size)
    ours = randomised(Classifier(architecture(model), num_classes=CLASSES))
    older = randomised(Classifier(architecture(f"v1-{model}"), num_classes=CLASSES))
    theirs = timm.create_model(f"convnextv2_{model}", num_classes=CLASSES).eval()
    shapes = theirs.state_dict()
    written = FORMATS["timm"].write(ours.state_dict())
    theirs.load_state_dict({name: x.reshape(shapes[name].shape) for name, x in written.items()})
    every: dict[str, Callable[[], Callable[[], Tensor]]] = {
        "ours": lambda: lambda: run(ours, images, "auto"),
        "ours-v1": lambda: lambda: run(older, images, "auto"),
        "reference": lambda: lambda: run(ours, images, "reference"),
        "timm": lambda: lambda: theirs(images),
        "timm-compiled": lambda: compiled(theirs, images),
        "onnx": lambda: onnx(ours, images),
    }
    chosen = {name: every[name]() for name in names}
    with torch.inference_mode():
        expected = theirs(images)
        for name, way in chosen.items():
            if name != "ours-v1":
                assert_close(way(), expected, rtol=1e-3, atol=1e-4)
    return chosen


def randomised(model: Classifier) -> Classifier:
    """Parameters that start at zero or one get values that matter."""
    for name, parameter in model.named_parameters():
        if "grn" in name or "scale" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def run(model: Classifier, images: Tensor, kernels: choice.Kernels) -> Tensor:
    """Our classifier with an implementation of the kernels."""
    with choice.using(kernels):
        out: Tensor = model(images)
        return out


def compiled(model: torch.nn.Module, images: Tensor) -> Callable[[], Tensor]:
    """timm's classifier through torch.compile."""
    fast = torch.compile(model)
    return lambda: fast(images)


def onnx(model: Classifier, images: Tensor) -> Callable[[], Tensor]:
    """Our classifier exported to ONNX Runtime, with as many threads as PyTorch."""
    import onnxruntime

    with choice.using("reference"):
        program = torch.onnx.export(model, (images,), dynamo=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Threads that go on spinning would slow whoever comes next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), options, ["CPUExecutionProvider"]
    )
    feed = {session.get_inputs()[0].name: images.numpy()}
    return lambda: torch.from_numpy(session.run(None, feed)[0])


if __name__ == "__main__":
    main()
