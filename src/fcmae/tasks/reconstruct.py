"""Pre-training: reconstruct the hidden patches of each image."""

from collections.abc import Mapping

from fcmae.data.batch import Batch
from fcmae.masking import Mask, patch_grid
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.own_parts import MaskFunction, visible_of
from fcmae.task import Step, Task
from fcmae.tasks.low_loss import LowLoss
from fcmae.types import VisiblePatches


class ReconstructTask(Task):
    """FCMAE's training step.

    Args:
        model: The autoencoder; ``model.mask`` says how much of an image is hidden.
        seed: Seed of the run, from which each image's mask is derived.
        low_loss: Judges the first losses; None if nothing is known of them.
    """

    model: Autoencoder

    def __init__(self, model: Autoencoder, *, seed: int, low_loss: LowLoss | None = None) -> None:
        super().__init__()
        self.model = model
        self.seed = seed
        self.low_loss = low_loss

    def after_step(self, step: int, numbers: Mapping[str, float]) -> str | None:
        """Warns where the first losses are far below what they would be of any structure."""
        return None if self.low_loss is None else self.low_loss.note(step, numbers["loss"])

    def forward(self, batch: Batch) -> Step:
        """Mean squared error on the hidden patches of a micro-batch."""
        visible = visible_patches(self.model.mask, self.model.patch, batch, seed=self.seed)
        known = {} if batch.missing is None else {"missing": batch.missing}
        return Step(loss=self.model(batch.images, visible, **known).loss)


def visible_patches(
    mask: Mask | MaskFunction, patch: int, batch: Batch, *, seed: int
) -> VisiblePatches:
    """The mask of each image of a batch: a function of seed, epoch, image and crop alone."""
    visible = visible_of(
        mask,
        patch_grid(batch.images.shape[-2], batch.images.shape[-1], patch),
        seed=seed,
        epoch=batch.epoch,
        images=batch.indices.numpy(),
        repeats=batch.repeats.numpy(),
    )
    if batch.images.is_cuda:
        visible = visible.pin_memory()
    return visible.to(batch.images.device, non_blocking=True)
