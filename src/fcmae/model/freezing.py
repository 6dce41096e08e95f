"""Stages of an encoder that stay as they are."""

from torch import nn

from fcmae.model.encoder import Encoder
from fcmae.model.timm_net import TimmEncoder
from fcmae.model.timm_options import check_not_frozen


def frozen_parts(encoder: Encoder | TimmEncoder, stages: int) -> list[nn.Module]:
    """Stem and first so many stages, without what is between them and the next one.

    Raises:
        ValueError: There are not so many stages, or the encoder is a net of timm.
    """
    if isinstance(encoder, TimmEncoder):
        check_not_frozen(encoder.architecture, stages)
        return []
    if not 0 <= stages <= len(encoder.stages):
        raise ValueError(f"{stages} stages cannot be frozen: the encoder has 4.")
    if stages == 0:
        return []
    downsamples = list(encoder.downsamples)[: stages - 1]
    return [encoder.stem, encoder.stem_norm, *list(encoder.stages)[:stages], *downsamples]
