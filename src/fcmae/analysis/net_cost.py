"""Parameters and operations of a net of timm, counted by running it without any weights."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from fcmae.analysis.cost import ModelCost
from fcmae.model.net_autoencoder import NetAutoencoder
from fcmae.model.options import DecoderOptions
from fcmae.model.timm_body import last_map_format
from fcmae.model.timm_net import TimmClassifier
from fcmae.model.timm_options import TimmArchitecture


def net_cost(
    net: TimmArchitecture,
    *,
    size: tuple[int, int] = (224, 224),
    num_classes: int = 1000,
    decoder: DecoderOptions | None = None,
) -> ModelCost:
    """Count for images of ``size`` (height, width) in pixels.

    Multiply-adds of convolutions and linear layers count, as in ``cost``; norms do not. The decoder
    of a net without a feature map, which cannot be pre-trained under a mask, has no parameters.
    """
    with torch.device("meta"), torch.no_grad():
        classifier = TimmClassifier(net, num_classes=num_classes).eval()
        with FlopCounterMode(display=False) as counter:
            classifier(torch.empty(1, net.channels, *size))
        try:
            last_map_format(net)
        except ValueError:
            decoder_parameters = 0
        else:
            decoder_parameters = _parameters(NetAutoencoder(net, decoder=decoder).decoder)
    return ModelCost(
        parameters=_parameters(classifier),
        encoder_parameters=_parameters(classifier.encoder),
        decoder_parameters=decoder_parameters,
        gflops=counter.get_total_flops() / 2 / 1e9,
    )


def _parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
