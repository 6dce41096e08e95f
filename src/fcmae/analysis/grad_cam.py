"""Maps the places that speak for a class: Grad-CAM (arXiv 1610.02391)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.analysis.blocks import BlockPlace
from fcmae.evaluation.forward import evaluating
from fcmae.types import Images, Labels, Logits


def grad_cam(
    model: nn.Module, place: BlockPlace, images: Images, classes: Labels | None = None
) -> tuple[Float[Tensor, "n p"], Logits]:
    """The evidence at each position of a block for a class of each image.

    The block's output channels are weighted with the mean over positions of the gradient of the
    class's score, added up, and what is negative is left out.

    Args:
        model: Gives the scores.
        place: The block, usually the last one.
        images: Normalised images.
        classes: Which class of each image; by default the one with the highest score.

    Returns:
        The maps, and the scores of all classes.
    """
    seen: list[Tensor] = []
    # The block's own output, in whatever shape: a view of it would not be part of the scores.
    handle = place.block.register_forward_hook(lambda module, inputs, out: seen.append(out))
    try:
        with evaluating(model), torch.enable_grad():
            # Images that need a gradient make a model with frozen weights record as well.
            scores: Tensor = model(images.clone().requires_grad_())
            chosen = scores.argmax(dim=1) if classes is None else classes
            score = scores.float().gather(1, chosen[:, None]).sum()
            [gradients] = torch.autograd.grad(score, seen)
    finally:
        handle.remove()
    features, slopes = place.output(seen[0].detach()).float(), place.output(gradients).float()
    weights = slopes.mean(dim=1, keepdim=True)
    return (features * weights).sum(dim=2).clamp(min=0), scores.detach()
