"""A training step taken on shapes alone: the memory it holds at most, and its operations.

The model is built of tensors without values, so the largest is counted in seconds on any machine.
What is counted is what PyTorch's own operators allocate; allocators round up, and libraries take
room for themselves.
"""

import weakref
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only
from torch.utils.flop_counter import FlopCounterMode

from fcmae.kernels import choice
from fcmae.masking import Mask, num_visible, patch_grid
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.detector import Detector
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture
from fcmae.model.segmenter import Segmenter, enlarge
from fcmae.types import Images

TrainingOf = Literal["pretrain", "encode", "classify", "segment", "detect"]
CLASSES: dict[TrainingOf, int] = {"classify": 1000, "segment": 150, "detect": 80}
"""Those of ImageNet-1K, ADE20K and COCO."""


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """Memory and operations of one rank's share of a step.

    Attributes:
        parameters: Trained parameters.
        largest_block: Parameters of the largest block, which FSDP makes whole at a time.
        gradients: Bytes of all gradients.
        activations: Bytes held at the highest point of forward and backward, beside weights and
            finished gradients.
        peak: The same with the gradients that are finished by then.
        cpu_peak: The same with the room that oneDNN takes for itself, where PyTorch's own operators
            compute on a CPU with AVX-512.
        flops: Floating-point operations of matrix products and convolutions, two for a
            multiply-add: those of the forward pass, three times.
    """

    parameters: int
    largest_block: int
    gradients: int
    activations: int
    peak: int
    cpu_peak: int
    flops: int


FORWARDS = 3
"""The backward pass takes two products for each one of the forward pass."""

LANES = 16
"""Channels that oneDNN computes side by side with AVX-512."""

PROPOSALS, OBJECTS = 512, 128
"""Boxes of an image that the box and mask heads learn from: Mask R-CNN's numbers."""


def step_cost(
    architecture: Architecture,
    *,
    of: TrainingOf,
    size: tuple[int, int],
    batch_size: int,
    bfloat16: bool = False,
    checkpointing: bool = False,
    ratio: float = Mask.ratio,
) -> StepCost:
    """Count forward and backward of one micro-batch.

    Args:
        architecture: The encoder's.
        of: The task; encode is the encoder alone on whole images.
        size: Height and width in pixels.
        batch_size: Images of the micro-batch.
        bfloat16: Whether matrix products are computed in bfloat16.
        checkpointing: Whether blocks are computed again in the backward pass.
        ratio: Share of patches that pre-training hides.
    """
    how = torch.autocast("cpu", torch.bfloat16) if bfloat16 else nullcontext()
    with torch.device("meta"):
        model, loss = _model(architecture, of, checkpointing=checkpointing, ratio=ratio)
    with FakeTensorMode(allow_non_fake_inputs=True), choice.using("reference"):
        model.to_empty(device="cpu")
        images = torch.zeros(batch_size, architecture.channels, *size)
        with Live() as live:
            for parameter in model.parameters():
                parameter.register_post_accumulate_grad_hook(live.finish)  # type: ignore[no-untyped-call]
            with how, FlopCounterMode(display=False) as forward:
                value = loss(images)
            value.backward()  # type: ignore[no-untyped-call]
        trained = [p for p in model.parameters() if p.grad is not None]
        gradients = sum(p.numel() * p.element_size() for p in trained)
        return StepCost(
            parameters=sum(p.numel() for p in trained),
            largest_block=max(
                sum(p.numel() for p in block.parameters())
                for stage in model.get_submodule("encoder.stages").children()
                for block in stage.children()
            ),
            gradients=gradients,
            activations=live.most_beside,
            peak=live.most,
            cpu_peak=live.most_with_scratch,
            flops=(FORWARDS + checkpointing) * forward.get_total_flops(),
        )


def training_flops(architecture: Architecture, *, of: TrainingOf, size: tuple[int, int]) -> int:
    """Operations of a step for one image, as ``StepCost`` counts them, from the forward pass alone.

    Args:
        architecture: The encoder's.
        of: The task.
        size: Height and width in pixels.
    """
    with torch.device("meta"):
        model, loss = _model(architecture, of, checkpointing=False, ratio=Mask.ratio)
    with FakeTensorMode(allow_non_fake_inputs=True), choice.using("reference"), torch.no_grad():
        model.to_empty(device="cpu")
        with FlopCounterMode(display=False) as forward:
            loss(torch.zeros(1, architecture.channels, *size))
    operations: int = FORWARDS * forward.get_total_flops()
    return operations


def onednn_scratch(func: Callable[..., Any], args: tuple[Any, ...]) -> int:
    """Bytes that oneDNN takes while it computes, by measurement on a CPU with AVX-512.

    The gradients of a depthwise convolution are computed in tiles of 16 x 16 channels, of which a
    group of one channel fills one value: the kernels take 256 times their size, and in bfloat16
    half as much again and both maps of an image, 16 channels for each one. Nothing else takes more
    than a hundredth of that.
    """
    if func is not torch.ops.aten.convolution_backward.default or args[9] == 1:
        return 0
    upstream, x, kernels = args[:3]
    tiles: int = LANES * LANES * kernels.numel() * 4
    if x.dtype != torch.bfloat16:
        return tiles
    maps: int = LANES * (upstream[0].numel() + x[0].numel()) * 2
    return tiles + tiles // 2 + maps


class Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of what is allocated inside and still alive, and the most there were.

    Attributes:
        most: The most.
        most_beside: The most beside finished gradients.
        most_with_scratch: The most with what oneDNN takes for itself during an operation.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = self.most_beside = self.most_with_scratch = 0
        self._now = self._finished = 0
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def finish(self, parameter: Tensor) -> None:
        """Note that a parameter has its gradient."""
        assert parameter.grad is not None
        self._finished += parameter.grad.untyped_storage().nbytes()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        inputs: list[Any] = []
        tree_map_only(Tensor, lambda x: inputs.append(x.untyped_storage()._cdata), (args, kwargs))
        tree_map_only(Tensor, lambda x: self._note(x, inputs), out)
        scratch = self._now + onednn_scratch(func, args)
        self.most_with_scratch = max(self.most_with_scratch, self.most, scratch)
        return out

    def _note(self, x: Tensor, inputs: list[Any]) -> None:
        storage = x.untyped_storage()
        if storage in self._known or storage._cdata in inputs:  # a view
            return
        self._known.add(storage)
        size = storage.nbytes()
        self._now += size
        self.most = max(self.most, self._now)
        self.most_beside = max(self.most_beside, self._now - self._finished)
        weakref.finalize(storage, self._forget, size)

    def _forget(self, size: int) -> None:
        self._now -= size


def _model(
    architecture: Architecture, of: TrainingOf, *, checkpointing: bool, ratio: float
) -> tuple[nn.Module, Callable[[Images], Tensor]]:
    """A model of the task, and a loss that has all the costs of the task's own."""
    how: dict[str, Any] = {"checkpointing": checkpointing}
    match of:
        case "pretrain":
            autoencoder = Autoencoder(architecture, mask=Mask(ratio=ratio), **how)
            return autoencoder, lambda x: autoencoder(x, _visible(autoencoder, x)).loss
        case "classify":
            classifier = Classifier(architecture, num_classes=CLASSES[of], **how)
            return classifier, lambda x: classifier(x).float().logsumexp(dim=1).mean()
        case "segment":
            segmenter = Segmenter(architecture, num_classes=CLASSES[of], **how)
            return segmenter, lambda x: _of_pixels(segmenter, x)
        case "detect":
            detector = Detector(architecture, num_classes=CLASSES[of], masks=True, **how)
            return detector, lambda x: _of_objects(detector, x)
        case "encode":
            encoder = nn.ModuleDict({"encoder": Encoder(architecture, **how)})
            return encoder, lambda x: encoder["encoder"](x).features.float().square().mean()


def _visible(model: Autoencoder, images: Images) -> Tensor:
    """The first patches of each image: which they are changes nothing here."""
    rows, columns = patch_grid(images.shape[-2], images.shape[-1], model.patch)
    assert isinstance(model.mask, Mask)
    shown = torch.arange(num_visible(model.mask, rows * columns))
    return shown.expand(len(images), -1).contiguous()


def _of_pixels(model: Segmenter, images: Images) -> Tensor:
    both = model.both(images)
    size = (images.shape[-2], images.shape[-1])
    scores, auxiliary = (enlarge(x, size) for x in (both.scores, both.auxiliary))
    return scores.logsumexp(dim=1).mean() + auxiliary.logsumexp(dim=1).mean()


def _of_objects(model: Detector, images: Images) -> Tensor:
    """All heads on as many boxes as learn; where boxes lie depends on values, so none is sought."""
    features = model.features(images)
    outputs = [y for column in model.rpn.head(list(features.values())) for y in column]
    finest, count = features["0"], len(images)
    boxes = finest.mean().expand(count * PROPOSALS, finest.shape[1], 7, 7).contiguous()
    outputs += model.heads.box_predictor(model.heads.box_head(boxes))
    objects = finest.mean().expand(count * OBJECTS, finest.shape[1], 14, 14).contiguous()
    outputs.append(model.heads.mask_predictor(model.heads.mask_head(objects)))
    return torch.stack([y.float().square().mean() for y in outputs]).sum()
