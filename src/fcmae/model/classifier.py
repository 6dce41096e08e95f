"""An encoder with a linear head."""

from jaxtyping import Float
from torch import Tensor, nn

from fcmae.model.encoder import Encoder
from fcmae.model.layers import LayerNorm, initialise
from fcmae.model.options import Architecture
from fcmae.types import Images, Logits


class Classifier(nn.Module):
    """Mean over positions, LayerNorm, linear head.

    Args:
        architecture: The encoder's, or the name of its size; ``atto`` by default.
        channels: Channels of the images, where a name stands for the rest; 3 by default.
        stem: Side in pixels of the stem's patches, likewise: 4 (by default), 2 or 1.
        num_classes: Length of the logits.
        drop_path: Stochastic depth at the encoder's last block.
        head_init_scale: Factor on the head's initial weights (paper: 0.001 for fine-tuning, 1 from
            scratch).
        checkpointing: Recompute the encoder's blocks in the backward pass.
    """

    def __init__(
        self,
        architecture: Architecture | str | None = None,
        *,
        channels: int | None = None,
        stem: int | None = None,
        num_classes: int,
        drop_path: float = 0.0,
        head_init_scale: float = 1.0,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        if num_classes < 1:
            raise ValueError(f"num_classes is {num_classes}, but must be at least 1.")
        self.encoder = Encoder(
            architecture,
            channels=channels,
            stem=stem,
            drop_path=drop_path,
            checkpointing=checkpointing,
        )
        self.norm = LayerNorm(self.encoder.architecture.dims[-1])
        self.head = nn.Linear(self.encoder.architecture.dims[-1], num_classes)
        self.head.apply(initialise)
        self.head.weight.data.mul_(head_init_scale)

    def features(self, images: Images) -> Float[Tensor, "n d"]:
        """One vector per image: what the head sees."""
        pooled: Tensor = self.norm(self.encoder(images).features.mean(dim=1))
        return pooled

    def forward(self, images: Images) -> Logits:
        """Class scores before softmax."""
        logits: Tensor = self.head(self.features(images))
        return logits
