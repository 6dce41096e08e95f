"""FCMAE: the fully convolutional masked autoencoder (section 3.1 of the paper)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.kernels.patches import take_patches
from fcmae.loss.options import Target
from fcmae.loss.pixels import pixel_error_at, statistics, to_images, to_patches
from fcmae.masking import Mask, patch_grid, patch_side
from fcmae.model.decoder import build_decoder
from fcmae.model.encoder import Encoded, Encoder
from fcmae.model.layout import Leaking, Visible
from fcmae.model.options import Architecture, DecoderOptions
from fcmae.types import Images, Patches, Positions, VisiblePatches


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """Output of the autoencoder for a batch.

    Attributes:
        loss: Mean squared error on hidden patches (and on visible ones, if the target says so).
        prediction: Values of patches, each (row, column, channel).
        positions: Which patches these are, as raster indices of the grid: the hidden ones in
            order, followed by the visible ones if those have a part in the loss.
        grid: Rows and columns of the last stage, whose positions are the patches predicted.
    """

    loss: Float[Tensor, ""]
    prediction: Patches
    positions: Positions
    grid: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Images as a person wants to see them, normalised as the input was.

    Attributes:
        masked: The input with zero at hidden patches.
        reconstruction: The input with the prediction pasted over hidden patches.
    """

    masked: Images
    reconstruction: Images


class Autoencoder(nn.Module):
    """Encoder on visible patches, light decoder, loss on hidden patches.

    Args:
        architecture: The encoder's, or the name of its size; ``atto`` by default.
        decoder: Kind, depth and width of the decoder.
        mask: The side of its patches, and how the encoder computes under it; who draws the mask
            decides ratio and pattern.
        target: What to predict.
        drop_path: Stochastic depth of the encoder (the paper uses none here).
        checkpointing: Recompute the encoder's blocks in the backward pass.
    """

    def __init__(
        self,
        architecture: Architecture | str | None = None,
        *,
        decoder: DecoderOptions | None = None,
        mask: Mask | None = None,
        target: Target | None = None,
        drop_path: float = 0.0,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = Encoder(architecture, drop_path=drop_path, checkpointing=checkpointing)
        arch = self.encoder.architecture
        self.mask, self.target = mask or Mask(), target or Target()
        self.stride, self.patch = arch.stride, patch_side(self.mask, arch.stride)
        self.hidden_token: nn.Parameter | None = None
        if self.mask.convolution == "leaking-token":
            self.hidden_token = nn.Parameter(torch.empty(arch.dims[0]).normal_(std=0.02))
        self.decoder = build_decoder(arch, decoder or DecoderOptions())

    def forward(
        self, images: Images, visible: VisiblePatches, *, masked_dense: bool = False
    ) -> Reconstruction:
        """Reconstruct the hidden patches of images.

        Args:
            images: Normalised images whose sides are multiples of ``self.patch``.
            visible: Raster indices of each image's visible patches of ``self.patch`` pixels.
            masked_dense: Run the encoder by its definition rather than on visible patches only.
        """
        stages = self._encode(images, visible, masked_dense=masked_dense)
        last = self._last_stage(images, visible)
        positions = hidden = last.hidden_places()
        if self.target.of_visible:
            positions = torch.cat([hidden, last.places], dim=1)
        prediction = self.decoder(stages, positions)
        error = pixel_error_at(prediction, images, self.stride, positions, self.target)
        return Reconstruction(
            loss=self._loss(error, hidden.shape[1]),
            prediction=prediction,
            positions=positions,
            grid=(last.height, last.width),
        )

    def _encode(
        self, images: Images, visible: VisiblePatches, *, masked_dense: bool
    ) -> list[Encoded]:
        """The features of every stage, computed as the mask says."""
        masked_dense = masked_dense or self.mask.convolution == "masked"
        layout = self.encoder.layout(images, visible, patch=self.patch, masked_dense=masked_dense)
        if self.mask.convolution in ("leaking", "leaking-token"):
            layout = Leaking.like(self._stage(images, visible, self.encoder.architecture.stem))
        stages = self.encoder.stage_by_stage(images, layout, token=self.hidden_token)
        return [Encoded(features=features, layout=where) for features, where in stages]

    def _loss(self, error: Float[Tensor, "n p"], num_hidden: int) -> Float[Tensor, ""]:
        """The mean over hidden patches and the weighted one over visible ones, or over all."""
        if self.target.over == "all":
            return error.mean()
        of_hidden, of_visible = error.tensor_split([num_hidden], dim=1)
        if not self.target.visible_weight:
            return of_hidden.mean()
        return of_hidden.mean() + self.target.visible_weight * of_visible.mean()

    def _last_stage(self, images: Images, visible: VisiblePatches) -> Visible:
        return self._stage(images, visible, self.stride)

    def _stage(self, images: Images, visible: VisiblePatches, stride: int) -> Visible:
        """Layout of the visible positions on a map of this stride."""
        grid = patch_grid(images.shape[-2], images.shape[-1], self.patch)
        return Visible(visible, grid, self.patch // stride)

    @torch.no_grad()
    def pictures(self, images: Images, visible: VisiblePatches) -> Pictures:
        """Masked input and reconstruction; predictions get their patch's own mean and deviation."""
        out = self(images, visible)
        side = self.stride
        hidden = self._last_stage(images, visible).hidden_places()
        patches = to_patches(images, side)
        predicted = out.prediction[:, : hidden.shape[1]].to(images.dtype)
        if self.target.normalize:
            of_patch = statistics(take_patches(images, side, hidden))
            predicted = predicted * of_patch.std + of_patch.mean
        where = hidden[..., None].expand(predicted.shape)
        return Pictures(
            masked=to_images(patches.scatter(1, where, 0.0), side, out.grid),
            reconstruction=to_images(patches.scatter(1, where, predicted), side, out.grid),
        )
