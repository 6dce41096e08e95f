"""FCMAE around nets of timm and nets of the user's own."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from fcmae.loss.options import Target
from fcmae.masking import Mask
from fcmae.model.net_autoencoder import NetAutoencoder
from fcmae.model.net_encoder import NetEncoder
from fcmae.model.options import DecoderOptions
from fcmae.model.timm_net import TimmEncoder
from fcmae.model.timm_options import TimmArchitecture
from fcmae.model.unused import freeze_unused, unused_parameters

NET = TimmArchitecture(timm="mobilenetv3_small_050")
SMALL = DecoderOptions(width=32)
VISIBLE = torch.tensor([[0, 4], [3, 5]])


class OwnNet(nn.Module):
    """A ConvNet of stride 8 for images of two channels."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2, 8, 3, stride=2, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 12, 3, stride=2, padding=1, padding_mode="reflect"),
            nn.GroupNorm(3, 12),
            nn.GELU(),
        )

    def forward(self, images):
        return self.layers(images)


def own(**options) -> NetAutoencoder:
    encoder = NetEncoder(OwnNet(), channels=2, size=(16, 24))
    return NetAutoencoder(encoder, decoder=SMALL, **options)


def test_the_loss_of_a_new_model_is_that_of_predicting_the_mean():
    model, images = NetAutoencoder(NET, decoder=SMALL), torch.randn(2, 3, 64, 96)
    out = model(images, VISIBLE)
    assert out.loss.item() == pytest.approx(1, abs=0.05)
    assert out.prediction.shape == (2, 4, 32 * 32 * 3)
    assert out.positions.tolist() == [[1, 2, 3, 5], [0, 1, 2, 4]]
    assert out.grid == (2, 3)


def test_an_own_net_of_another_stride_and_channels_is_predicted_at_its_own_stride():
    model, images = own(mask=Mask(patch=16)), torch.randn(2, 2, 32, 48)
    assert (model.stride, model.patch) == (8, 16)
    out = model(images, VISIBLE)
    assert out.grid == (4, 6)
    assert out.prediction.shape == (2, 4 * 4, 8 * 8 * 2)


def test_hidden_pixels_reach_the_loss_as_targets_only():
    model = own().double()
    images = torch.randn(2, 2, 16, 24, dtype=torch.float64, requires_grad=True)
    prediction = model(images, VISIBLE).prediction
    gradient = torch.autograd.grad(prediction.square().sum(), images)[0]
    of_patches = gradient.abs().unfold(2, 8, 8).unfold(3, 8, 8).sum((1, 4, 5)).flatten(1)
    assert (of_patches > 0).nonzero()[:, 1].view(2, 2).tolist() == VISIBLE.tolist()


def test_it_learns_to_reconstruct():
    torch.manual_seed(0)
    model = own(target=Target(normalize=False)).train()
    images = torch.arange(16.0).view(1, 1, 16, 1).expand(4, 2, 16, 24) / 16
    images = images + torch.tensor([0.0, 0.3, 0.6, 0.9])[:, None, None, None]
    visible = torch.tensor([[0, 4], [3, 5], [1, 3], [2, 4]])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        loss = model(images, visible).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


def test_the_net_in_it_is_the_module_itself_under_its_own_names():
    module = OwnNet()
    model = NetAutoencoder(NetEncoder(module, channels=2, size=(16, 24)), decoder=SMALL)
    assert model.encoder.body is module
    state = {
        name.removeprefix("encoder.body."): x
        for name, x in model.state_dict().items()
        if name.startswith("encoder.")
    }
    assert_close(state, dict(module.state_dict()))


def test_pictures_show_the_visible_patches_and_the_prediction_elsewhere():
    model, images = own().eval(), torch.randn(2, 2, 16, 24)
    pictures = model.pictures(images, VISIBLE)
    assert_close(pictures.masked[0, :, :8, :8], images[0, :, :8, :8])
    assert (pictures.masked[0, :, :8, 8:] == 0).all()
    assert_close(pictures.reconstruction[1, :, 8:, 16:], images[1, :, 8:, 16:])
    assert (pictures.reconstruction[1, :, :8] != images[1, :, :8]).all()


def test_a_transformer_decoder_fits_too():
    model = own_with(DecoderOptions(kind="transformer", width=32))
    assert model(torch.randn(2, 2, 16, 24), VISIBLE).prediction.shape == (2, 4, 8 * 8 * 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"decoder": DecoderOptions(kind="unet")},
            "decoder.kind is 'unet', which needs the four",
        ),
        ({"mask": Mask(convolution="leaking")}, "mask.convolution is 'leaking', which is for"),
        ({"checkpointing": True}, "encoder.checkpointing is true, but what another net computes"),
        ({"mask": Mask(patch=48)}, "mask.patch is 48, but must be the encoder's stride of 32"),
    ],
)
def test_options_that_only_encoders_of_ours_have_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        NetAutoencoder(NET, **{"decoder": SMALL, **options})


def test_parameters_behind_the_last_map_are_known_not_to_learn():
    encoder = TimmEncoder(NET)
    behind = ["conv_head.weight", "conv_head.bias"]
    assert unused_parameters(encoder, TimmEncoder.last_map) == behind
    assert unused_parameters(encoder, TimmEncoder.levels) == behind
    assert unused_parameters(encoder, TimmEncoder.pooled) == []
    assert unused_parameters(own().encoder, NetEncoder.last_map) == []
    assert freeze_unused(encoder, TimmEncoder.last_map) == behind
    assert [n for n, p in encoder.body.named_parameters() if not p.requires_grad] == behind


def own_with(decoder: DecoderOptions) -> NetAutoencoder:
    encoder = NetEncoder(OwnNet(), channels=2, size=(16, 24))
    return NetAutoencoder(encoder, decoder=decoder)
