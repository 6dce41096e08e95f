"""torch.compile on every path, in a process without the shape checks, which cannot be traced."""

import subprocess
import sys

import pytest

PROGRAM = """
import torch
from torch.testing import assert_close
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import Architecture, DecoderOptions

torch.manual_seed(0)
arch = Architecture(depths=(1, 1, 1, 1), dims=(8, 12, 16, 24))
model = Autoencoder(arch, decoder=DecoderOptions(width=16))
for name, parameter in model.named_parameters():
    if "grn" in name:
        torch.nn.init.normal_(parameter, std=0.5)
images, visible = torch.randn(2, 3, 64, 64), torch.tensor([[0, 3], [1, 2]])
paths = {
    "visible": lambda: model(images, visible).loss,
    "masked dense": lambda: model(images, visible, masked_dense=True).loss,
    "dense": lambda: model.encoder(images).features.square().mean(),
}
for name, path in paths.items():
    results = []
    for function in (path, torch.compile(path, backend="aot_eager", fullgraph=True)):
        model.zero_grad()
        loss = function()
        loss.backward()
        grads = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
        results.append((loss.detach(), grads))
    assert_close(results[0], results[1], rtol=1e-4, atol=1e-6, msg=lambda text: f"{name}: {text}")
"""


@pytest.mark.full
def test_compiled_equals_eager_on_every_path_without_a_graph_break():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
