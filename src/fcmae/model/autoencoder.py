"""FCMAE: the fully convolutional masked autoencoder (section 3.1 of the paper)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.loss.options import Target
from fcmae.loss.pixels import pixel_loss, pixel_targets, statistics, to_images, to_patches
from fcmae.masking import Mask, patch_side
from fcmae.model.decoder import Decoder
from fcmae.model.encoder import Encoder
from fcmae.model.layout import MaskedDense, Visible
from fcmae.model.options import Architecture
from fcmae.model.options import Decoder as DecoderOptions
from fcmae.types import HiddenPositions, Images, Patches, VisiblePatches


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """What the autoencoder makes of a batch.

    Attributes:
        loss: Mean squared error on hidden patches.
        prediction: Values of every patch in raster order, each (row, column, channel).
        hidden: Which patches were hidden.
        grid: Rows and columns of patches.
    """

    loss: Float[Tensor, ""]
    prediction: Patches
    hidden: HiddenPositions
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
        architecture: The encoder's.
        decoder: Depth and width of the decoder.
        mask: Only the side of its patches matters here; who draws the mask decides the ratio.
        target: What to predict.
        drop_path: Stochastic depth of the encoder (the paper uses none here).
        checkpointing: Recompute the encoder's blocks in the backward pass.
    """

    def __init__(
        self,
        architecture: Architecture | None = None,
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
        self.patch = patch_side(self.mask, arch.stride)
        self.decoder = Decoder(
            arch.dims[-1], arch.stride**2 * arch.channels, decoder or DecoderOptions()
        )

    def forward(
        self, images: Images, visible: VisiblePatches, *, masked_dense: bool = False
    ) -> Reconstruction:
        """Reconstruct the hidden patches of images.

        Args:
            images: Normalised images whose sides are multiples of ``self.patch``.
            visible: Raster indices of each image's visible patches of ``self.patch`` pixels.
            masked_dense: Run the encoder by its definition rather than on visible patches only.
        """
        encoded = self.encoder(images, visible, patch=self.patch, masked_dense=masked_dense)
        layout = encoded.layout
        prediction = self.decoder(encoded)
        assert isinstance(layout, Visible | MaskedDense)
        hidden = (MaskedDense.like(layout) if isinstance(layout, Visible) else layout).hidden
        targets = pixel_targets(images, self.encoder.architecture.stride, self.target)
        return Reconstruction(
            loss=pixel_loss(prediction, targets, hidden, self.target),
            prediction=prediction,
            hidden=hidden,
            grid=(layout.height, layout.width),
        )

    @torch.no_grad()
    def pictures(self, images: Images, visible: VisiblePatches) -> Pictures:
        """Masked input and reconstruction; predictions get their patch's own mean and deviation."""
        out = self(images, visible)
        side = self.encoder.architecture.stride
        patches = to_patches(images, side)
        predicted = out.prediction.to(patches.dtype)
        if self.target.normalize:
            of_patch = statistics(patches)
            predicted = predicted * of_patch.std + of_patch.mean
        hidden = out.hidden[..., None]
        return Pictures(
            masked=to_images(patches.masked_fill(hidden, 0), side, out.grid),
            reconstruction=to_images(torch.where(hidden, predicted, patches), side, out.grid),
        )
