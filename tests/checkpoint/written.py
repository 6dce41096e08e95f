"""Weights as other programs write them, from documented names and shapes alone."""

import struct
import zipfile
from pathlib import Path

import torch
from torch import Tensor

State = dict[str, Tensor]


def sparse(
    depths: tuple[int, ...] = (1, 1, 1, 1),
    dims: tuple[int, ...] = (4, 8, 8, 16),
    *,
    decoder: int = 12,
) -> State:
    """The state dictionary of the authors' sparse autoencoder, with random numbers."""
    state: dict[str, tuple[int, ...]] = {
        "mask_token": (1, decoder, 1, 1),
        "encoder.downsample_layers.0.0.weight": (dims[0], 3, 4, 4),
        "encoder.downsample_layers.0.0.bias": (dims[0],),
        "encoder.downsample_layers.0.1.weight": (dims[0],),
        "encoder.downsample_layers.0.1.bias": (dims[0],),
    }
    for i in (1, 2, 3):
        at = f"encoder.downsample_layers.{i}"
        state |= {
            f"{at}.0.ln.weight": (dims[i - 1],),
            f"{at}.0.ln.bias": (dims[i - 1],),
            f"{at}.1.kernel": (4, dims[i - 1], dims[i]),
            f"{at}.1.bias": (1, dims[i]),
        }
    for i, (depth, c) in enumerate(zip(depths, dims, strict=True)):
        for j in range(depth):
            at = f"encoder.stages.{i}.{j}"
            state |= {
                f"{at}.dwconv.kernel": (49, c),
                f"{at}.dwconv.bias": (1, c),
                f"{at}.norm.ln.weight": (c,),
                f"{at}.norm.ln.bias": (c,),
                f"{at}.pwconv1.linear.weight": (4 * c, c),
                f"{at}.pwconv1.linear.bias": (4 * c,),
                f"{at}.grn.gamma": (1, 4 * c),
                f"{at}.grn.beta": (1, 4 * c),
                f"{at}.pwconv2.linear.weight": (c, 4 * c),
                f"{at}.pwconv2.linear.bias": (c,),
            }
    state |= {
        "proj.weight": (decoder, dims[-1], 1, 1),
        "proj.bias": (decoder,),
        "decoder.0.dwconv.weight": (decoder, 1, 7, 7),
        "decoder.0.dwconv.bias": (decoder,),
        "decoder.0.norm.weight": (decoder,),
        "decoder.0.norm.bias": (decoder,),
        "decoder.0.pwconv1.weight": (4 * decoder, decoder),
        "decoder.0.pwconv1.bias": (4 * decoder,),
        "decoder.0.grn.gamma": (1, 1, 1, 4 * decoder),
        "decoder.0.grn.beta": (1, 1, 1, 4 * decoder),
        "decoder.0.pwconv2.weight": (decoder, 4 * decoder),
        "decoder.0.pwconv2.bias": (decoder,),
        "pred.weight": (3 * 32**2, decoder, 1, 1),
        "pred.bias": (3 * 32**2,),
    }
    return {name: 0.2 * torch.randn(shape) for name, shape in state.items()}


def archive(path: Path, pickle: bytes, storages: dict[str, bytes] | None = None) -> Path:
    """A zip as ``torch.save`` lays it out, of any pickle."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle)
        file.writestr("archive/version", "3\n")
        for key, content in (storages or {}).items():
            file.writestr(f"archive/data/{key}", content)
    return path


def safetensors(path: Path, header: bytes, content: bytes = b"") -> Path:
    """A safetensors file of any header."""
    path.write_bytes(struct.pack("<Q", len(header)) + header + content)
    return path
