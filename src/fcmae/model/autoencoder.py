"""FCMAE: the fully convolutional masked autoencoder (section 3.1 of the paper)."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from fcmae.kernels.patches import take_patches
from fcmae.loss.options import Target
from fcmae.loss.pixels import pixel_error_at, squared_error
from fcmae.masking import Mask, patch_grid, patch_side
from fcmae.model.decoder import Decoder, build_decoder
from fcmae.model.encoder import Encoded, Encoder
from fcmae.model.layout import Leaking, Visible
from fcmae.model.options import Architecture, DecoderOptions
from fcmae.model.own_parts import (
    MaskFunction,
    OwnDecoder,
    TargetFunction,
    decoder_or_options,
    dotted_name,
    function_or_options,
    name_of,
    own_targets,
    visible_of,
)
from fcmae.model.reconstruction import Pictures, Reconstruction
from fcmae.model.transformer import TransformerDecoder
from fcmae.model.unet import UNetDecoder
from fcmae.types import Images, Patches, Positions, VisiblePatches

AnyDecoder = Decoder | UNetDecoder | TransformerDecoder | OwnDecoder


class Autoencoder(nn.Module):
    """Encoder on visible patches, light decoder, loss on hidden patches.

    Decoder, mask and target are options, or parts of your own that keep to the contracts in
    ``fcmae.model.own_parts``.

    Args:
        architecture: The encoder's, or the name of its size; ``atto`` by default.
        channels: Channels of the images, where a name stands for the rest; 3 by default.
        stem: Side in pixels of the stem's patches, likewise: 4 (by default), 2 or 1.
        decoder: Kind, depth and width of the decoder; or a module, ``n c h w`` to ``n k h w``.
        mask: Ratio, pattern, side of its patches, and how the encoder computes under it; or a
            function, (generator, grid) to a boolean mask.
        target: What to predict: options of the pixels; or a function, images to ``n p k``.
            Options of decoder, mask and target are a dataclass or a mapping.
        values: How many values ``k`` a decoder of fcmae predicts for a target of your own; by
            default as many as a patch has pixels and channels.
        drop_path: Stochastic depth of the encoder (the paper uses none here).
        checkpointing: Recompute the encoder's blocks in the backward pass.
    """

    def __init__(
        self,
        architecture: Architecture | str | None = None,
        *,
        channels: int | None = None,
        stem: int | None = None,
        decoder: DecoderOptions | nn.Module | Mapping[str, Any] | None = None,
        mask: Mask | MaskFunction | Mapping[str, Any] | None = None,
        target: Target | TargetFunction | Mapping[str, Any] | None = None,
        values: int | None = None,
        drop_path: float = 0.0,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = Encoder(
            architecture,
            channels=channels,
            stem=stem,
            drop_path=drop_path,
            checkpointing=checkpointing,
        )
        arch = self.encoder.architecture
        self.hidden_token: nn.Parameter | None = None
        self._take(mask, target, arch.stride)
        decoder = decoder_or_options(decoder)
        if self._mask_options.convolution == "leaking-token":
            self.hidden_token = nn.Parameter(torch.empty(arch.dims[0]).normal_(std=0.02))
        self._check_told(decoder, values)
        self.decoder: AnyDecoder = (
            OwnDecoder(arch.dims[-1], decoder)
            if isinstance(decoder, nn.Module)
            else build_decoder(arch, decoder, values)
        )

    def _take(
        self,
        mask: Mask | MaskFunction | Mapping[str, Any] | None,
        target: Target | TargetFunction | Mapping[str, Any] | None,
        stride: int,
    ) -> None:
        """Keep mask and target, and the sides of positions and patches that they come to."""
        self.mask: Mask | MaskFunction = function_or_options(mask, Mask, "mask")
        self.target: Target | TargetFunction = function_or_options(target, Target, "target")
        self.stride, self.patch = stride, patch_side(self._mask_options, stride)
        if isinstance(self.target, nn.Module):
            self.target.requires_grad_(False).eval()

    def _check_told(self, decoder: DecoderOptions | nn.Module, values: int | None) -> None:
        """Refuse a number of values that something else decides."""
        told = isinstance(decoder, nn.Module) or isinstance(self.target, Target)
        if values is not None and told:
            raise ValueError(
                f"values is {values}, but only a decoder of fcmae for a target of your own needs "
                "to be told how many: leave it out."
            )

    def forward(
        self,
        images: Images,
        visible: VisiblePatches | None = None,
        *,
        missing: Bool[Tensor, "n c h w"] | None = None,
        generator: torch.Generator | None = None,
        masked_dense: bool = False,
    ) -> Reconstruction:
        """Reconstruct the hidden patches of images.

        Args:
            images: Normalised images whose sides are multiples of ``self.patch``.
            visible: Raster indices of each image's visible patches of ``self.patch`` pixels; drawn
                as ``self.mask`` says by default.
            missing: Pixels that are not known, and are no target.
            generator: What they are drawn from; PyTorch's global one by default.
            masked_dense: Run the encoder by its definition rather than on visible patches only.

        Raises:
            ValueError: The images do not fit, or a part of your own breaks its contract.
        """
        self.encoder.check(images)
        if visible is None:
            visible = self.draw(images, generator=generator)
        stages = self._encode(images, visible, masked_dense=masked_dense)
        last = self._last_stage(images, visible)
        positions = hidden = last.hidden_places()
        if isinstance(self.target, Target) and self.target.of_visible:
            positions = torch.cat([hidden, last.places], dim=1)
        grid = (last.height, last.width)
        prediction = self.decoder(stages, positions)
        unknown = None
        if missing is not None:
            unknown = take_patches(missing.to(images.dtype), self.stride, positions) > 0
        error = self._error(prediction, images, grid, positions, unknown)
        return Reconstruction(
            loss=self._loss(error, hidden.shape[1], unknown),
            prediction=prediction,
            positions=positions,
            hidden=hidden,
            grid=grid,
            images=images,
            missing=missing,
            target=self.target if isinstance(self.target, Target) else None,
            normalized=self.target.normalize if isinstance(self.target, Target) else None,
        )

    def draw(self, images: Images, *, generator: torch.Generator | None = None) -> VisiblePatches:
        """Draw the visible patches of each image.

        Args:
            images: The images, of which only number, size and device count.
            generator: What they are drawn from; PyTorch's global one by default.
        """
        self.encoder.check(images)
        device = "cpu" if generator is None else generator.device
        seed = torch.randint(2**62, (), generator=generator, device=device)
        grid = patch_grid(images.shape[-2], images.shape[-1], self.patch)
        number = np.arange(len(images))
        drawn = visible_of(self.mask, grid, seed=int(seed), epoch=0, images=number)
        return drawn.to(images.device)

    def train(self, mode: bool = True) -> "Autoencoder":
        """Training mode, in which a target with weights has no share."""
        super().train(mode)
        if isinstance(self.target, nn.Module):
            self.target.eval()
        return self

    def description(self) -> dict[str, Any]:
        """Decoder, mask and target as JSON; parts of your own by the name of their class."""
        decoder = self.decoder
        return {
            "decoder": (
                {"class": dotted_name(decoder.net)}
                if isinstance(decoder, OwnDecoder)
                else asdict(decoder.options)
            ),
            "mask": _described(self.mask),
            "target": _described(self.target),
        }

    @property
    def _mask_options(self) -> Mask:
        """The options of the mask; a mask of your own has patches and convolutions as usual."""
        return self.mask if isinstance(self.mask, Mask) else Mask()

    def _encode(
        self, images: Images, visible: VisiblePatches, *, masked_dense: bool
    ) -> list[Encoded]:
        """The features of every stage, computed as the mask says."""
        convolution = self._mask_options.convolution
        masked_dense = masked_dense or convolution == "masked"
        layout = self.encoder.layout(images, visible, patch=self.patch, masked_dense=masked_dense)
        if convolution in ("leaking", "leaking-token"):
            layout = Leaking.like(self._stage(images, visible, self.encoder.architecture.stem))
        stages = self.encoder.stage_by_stage(images, layout, token=self.hidden_token)
        return [Encoded(features=features, layout=where) for features, where in stages]

    def _error(
        self,
        prediction: Patches,
        images: Images,
        grid: tuple[int, int],
        positions: Positions,
        missing: Bool[Tensor, "n p k"] | None,
    ) -> Float[Tensor, "n p"]:
        """The mean squared error of each patch that was predicted."""
        if isinstance(self.target, Target):
            side, channels = self.stride, images.shape[1]
            pixels = f"{side} x {side} pixels of {channels} channels"
            self._check_values(prediction, side**2 * channels, f" ({pixels})")
            return pixel_error_at(prediction, images, side, positions, self.target, missing=missing)
        wanted = own_targets(self.target, images, grid, positions)
        self._check_values(prediction, wanted.shape[-1])
        return squared_error(prediction, wanted)

    def _check_values(self, prediction: Patches, wanted: int, which: str = "") -> None:
        """Refuse a decoder that does not predict as many values as the target has."""
        if prediction.shape[-1] == wanted:
            return
        own = isinstance(self.decoder, OwnDecoder)
        name = f" {name_of(self.decoder.net)}" if isinstance(self.decoder, OwnDecoder) else ""
        way_out = f"its output must be n {wanted} h w" if own else f"give values={wanted}"
        raise ValueError(
            f"the decoder{name} predicts {prediction.shape[-1]} values of each patch, but the "
            f"target has {wanted}{which}: {way_out}."
        )

    def _loss(
        self,
        error: Float[Tensor, "n p"],
        num_hidden: int,
        missing: Bool[Tensor, "n p k"] | None,
    ) -> Float[Tensor, ""]:
        """The mean over hidden patches and the weighted one over visible ones, or over all.

        Patches count by their share of known pixels.
        """
        known = None if missing is None else 1 - missing.to(error.dtype).mean(dim=-1)
        if not isinstance(self.target, Target) or self.target.over == "all":
            return _mean(error, known)
        hidden, visible = slice(num_hidden), slice(num_hidden, None)
        of_hidden = _mean(error[:, hidden], None if known is None else known[:, hidden])
        if not self.target.visible_weight:
            return of_hidden
        of_visible = _mean(error[:, visible], None if known is None else known[:, visible])
        return of_hidden + self.target.visible_weight * of_visible

    def _last_stage(self, images: Images, visible: VisiblePatches) -> Visible:
        return self._stage(images, visible, self.stride)

    def _stage(self, images: Images, visible: VisiblePatches, stride: int) -> Visible:
        """Layout of the visible positions on a map of this stride."""
        grid = patch_grid(images.shape[-2], images.shape[-1], self.patch)
        return Visible(visible, grid, self.patch // stride)

    @torch.no_grad()
    def pictures(self, images: Images, visible: VisiblePatches | None = None) -> Pictures:
        """Masked input and reconstruction; predictions get their patch's own mean and deviation."""
        out: Reconstruction = self(images, visible)
        return out.pictures()


def _mean(error: Float[Tensor, "n p"], weight: Float[Tensor, "n p"] | None) -> Float[Tensor, ""]:
    """The mean, or the weighted one; 0 without any weight."""
    if weight is None:
        return error.mean()
    return (error * weight).sum() / weight.sum().clamp(min=torch.finfo(error.dtype).tiny)


def _described(part: Any) -> dict[str, Any]:
    """Options as JSON; a part of a user's own by its name."""
    return asdict(part) if isinstance(part, Mask | Target) else {"class": dotted_name(part)}
