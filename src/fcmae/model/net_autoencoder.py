"""FCMAE around any ConvNet: masked dense encoder, light decoder, loss on hidden patches."""

from collections.abc import Mapping
from typing import Any

from einops import rearrange
from torch import nn

from fcmae.loss.options import Target
from fcmae.masking import Mask
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.decoder import map_decoder
from fcmae.model.encoder import Encoded
from fcmae.model.given_architecture import net_of
from fcmae.model.layout import MaskedDense
from fcmae.model.masked.features import masked_features
from fcmae.model.net_encoder import NetEncoder
from fcmae.model.options import DecoderOptions
from fcmae.model.own_parts import (
    MaskFunction,
    OwnDecoder,
    TargetFunction,
    decoder_or_options,
)
from fcmae.model.timm_net import TimmEncoder
from fcmae.model.timm_options import TimmArchitecture, is_of_timm
from fcmae.types import Images, VisiblePatches


class NetAutoencoder(Autoencoder):
    """A net of timm, or of the user's own, that sees visible patches only, with a light decoder.

    The decoder is that of FCMAE on the last map: projection, mask tokens at hidden positions, V2
    blocks (or those of a transformer), prediction. It is dropped after pre-training; the net is the
    ordinary net at any time. Decoder, mask and target may be parts of your own, as of
    ``Autoencoder``.

    Args:
        net: A net of timm, also by its name ``timm:NAME``; or a ``fcmae.NetEncoder`` around a
            module.
        decoder: Kind, depth and width of the decoder (a U-Net needs the stages of our encoders); or
            a module.
        mask: Ratio, pattern and the side of its patches; or a function.
        target: What to predict; or a function.
        values: How many values a decoder of fcmae predicts for a target of your own.
        drop_path: Stochastic depth of a net of timm; a net of your own sees to its own.
        checkpointing: Has to be False: what is computed again would not be masked.

    Raises:
        ValueError: An option is not for such nets, or the net gives no feature map.
    """

    encoder: TimmEncoder | NetEncoder  # type: ignore[assignment]  # in place of one of ours

    def __init__(
        self,
        net: TimmArchitecture | NetEncoder | str,
        *,
        decoder: DecoderOptions | nn.Module | Mapping[str, Any] | None = None,
        mask: Mask | MaskFunction | Mapping[str, Any] | None = None,
        target: Target | TargetFunction | Mapping[str, Any] | None = None,
        values: int | None = None,
        drop_path: float = 0.0,
        checkpointing: bool = False,
    ) -> None:
        nn.Module.__init__(self)
        self.encoder = _encoder(net, drop_path)
        last, channels = self.encoder.map_format, self.encoder.architecture.channels
        self.hidden_token = None
        self._take(mask, target, last.stride)
        decoder = decoder_or_options(decoder)
        check_options(self.mask, decoder, checkpointing=checkpointing)
        self._check_told(decoder, values)
        if isinstance(decoder, nn.Module):
            self.decoder = OwnDecoder(last.channels, decoder)
        else:
            pixels = last.stride**2 * channels
            self.decoder = map_decoder(last.channels, pixels, decoder, values)

    def description(self) -> dict[str, Any]:
        """Decoder, mask and target as JSON, and the class of a net of the user's own."""
        if isinstance(self.encoder, TimmEncoder):
            return super().description()
        arch = self.encoder.architecture
        return {"net": {"class": arch.net, "channels": arch.channels}, **super().description()}

    def _encode(
        self, images: Images, visible: VisiblePatches, *, masked_dense: bool
    ) -> list[Encoded]:
        """The features of the last map; it is masked dense in any case."""
        y = masked_features(self.encoder, images, visible, patch=self.patch)
        layout = MaskedDense.like(self._last_stage(images, visible))
        if tuple(y.shape[-2:]) != (layout.height, layout.width):
            raise ValueError(
                f"{self.encoder.architecture} gives a map of {y.shape[-2]} x {y.shape[-1]} "
                f"positions, where {layout.height} x {layout.width} were expected of its stride "
                f"of {self.stride}."
            )
        return [Encoded(features=rearrange(y, "n c h w -> n (h w) c"), layout=layout)]


def _encoder(net: Any, drop_path: float) -> TimmEncoder | NetEncoder:
    """The encoder that a net is, or is built for.

    Raises:
        ValueError: It is none.
    """
    if isinstance(net, NetEncoder):
        return net
    if isinstance(net, str) and is_of_timm(net):
        net = net_of(net)
    if isinstance(net, TimmArchitecture):
        return TimmEncoder(net, drop_path=drop_path)
    shown = repr(net) if isinstance(net, str) else f"a {type(net).__name__}"
    raise ValueError(
        f"net is {shown}, but must be 'timm:NAME' or fcmae.NetEncoder(module); encoders of ours, "
        "such as 'atto', are for fcmae.Autoencoder."
    )


def check_options(
    mask: Mask | MaskFunction | None,
    decoder: DecoderOptions | nn.Module | None,
    *,
    checkpointing: bool,
) -> None:
    """Refuse options that only encoders of ours have.

    Raises:
        ValueError: There is one.
    """
    if isinstance(mask, Mask) and mask.convolution not in ("sparse", "masked"):
        raise ValueError(
            f"mask.convolution is {mask.convolution!r}, which is for encoders of ours: leave it "
            "out with another net."
        )
    if isinstance(decoder, DecoderOptions) and decoder.kind.startswith("unet"):
        raise ValueError(
            f"decoder.kind is {decoder.kind!r}, which needs the four stages of an encoder of ours: "
            "take block or transformer with another net."
        )
    if checkpointing:
        raise ValueError(
            "encoder.checkpointing is true, but what another net computes again would not be "
            "masked: leave it out."
        )
