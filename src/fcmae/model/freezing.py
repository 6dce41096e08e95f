"""Stages of an encoder that stay as they are."""

from torch import nn

from fcmae.model.encoder import Encoder


def frozen_parts(encoder: Encoder, stages: int) -> list[nn.Module]:
    """Stem and first so many stages, without what is between them and the next one."""
    if not 0 <= stages <= len(encoder.stages):
        raise ValueError(f"{stages} stages cannot be frozen: the encoder has 4.")
    if stages == 0:
        return []
    downsamples = list(encoder.downsamples)[: stages - 1]
    return [encoder.stem, encoder.stem_norm, *list(encoder.stages)[:stages], *downsamples]
