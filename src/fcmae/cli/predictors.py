"""``fcmae.load(run).predict(image)``: what each kind of model says about one image."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fcmae.checkpoint.header import Card
from fcmae.cli.size import sides
from fcmae.data.augment import Evaluation
from fcmae.data.cut import exact
from fcmae.data.given import Given, picture_of
from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.objects.views import Fit
from fcmae.data.options import Loader
from fcmae.data.tiles import Decoded
from fcmae.evaluation.detections import Detections, in_pixels
from fcmae.evaluation.forward import evaluating
from fcmae.evaluation.options import Scan, Tiles
from fcmae.evaluation.scan import Scanner
from fcmae.evaluation.tiled import Tiler
from fcmae.peers import Peers


@dataclass(frozen=True, kw_only=True)
class SaidClass:
    """The class of an image.

    Attributes:
        name: The likeliest class.
        probability: Its probability.
        probabilities: That of every class, likeliest first.
    """

    name: str
    probability: float
    probabilities: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class SaidPixels:
    """The class of every pixel.

    Attributes:
        mask: Class index of each pixel (height x width).
        classes: Names of the classes.
    """

    mask: NDArray[np.int64]
    classes: list[str]

    @property
    def shares(self) -> dict[str, float]:
        """Share of the pixels of each class that occurs, largest first."""
        counts = np.bincount(self.mask.ravel(), minlength=len(self.classes))
        order = np.argsort(-counts, kind="stable")
        return {self.classes[i]: counts[i] / self.mask.size for i in order if counts[i]}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What weights say about the images that their model was made for.

    Attributes:
        card: All that they say.
        channels: Of the images, which may have been adapted since.
    """

    card: Card
    channels: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width that the model was made for."""
        height, width = self.card.get("size", (224, 224))
        return height, width

    @property
    def tile(self) -> tuple[int, int] | None:
        """Height and width of the windows that a detector looks through, where it does."""
        height, width = self.card.get("tile") or (0, 0)
        return (height, width) if height else None

    @property
    def normalise(self) -> Normalisation:
        """How pictures become what the model sees."""
        mean, std = (tuple(self.card.get(n) or getattr(Loader, n)) for n in ("mean", "std"))
        return Normalisation.of(Loader(mean=mean, std=std), self.channels)

    def names(self, number: int) -> list[str]:
        """Names of the classes or values; their numbers where there are none."""
        return list(self.card.get("classes") or map(str, range(number)))


@dataclass(kw_only=True)
class Predictor:
    """Answers about one image at a time, on whichever device the model is.

    A copy of the model takes its predictor along.
    """

    model: nn.Module
    facts: Facts
    kinds: ClassVar[tuple[str, ...]] = ("classifier", "estimator", "segmenter", "detector")

    def __call__(self, image: Given, **how: Any) -> Any:
        """What the model says about an image.

        Args:
            image: A path, an image of Pillow, an array ``h w c`` or a tensor ``c h w``.
            how: For a segmenter the options of a scan: mode, overlap, short_side, scales, flip; for
                a detector size and overlap of windows to look through.

        Returns:
            ``SaidClass`` from a classifier, a dict of probabilities or numbers from an estimator,
            ``SaidPixels`` from a segmenter; from a detector ``Detections``, whose ``names``,
            ``scores``, ``boxes`` and ``masks`` have an entry for each object, best first.
        """
        picture = picture_of(image, self.facts.channels)
        answer = getattr(self, f"_{self.facts.card['model']['kind']}")
        with evaluating(self.model):
            return answer(picture, **how)

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def _centre(self, picture: Picture) -> Tensor:
        """The model's output for the centre of a picture."""
        region = Evaluation(self.facts.size).aim(picture.shape[0], picture.shape[1])
        view = self.facts.normalise(exact(picture, region))
        rows: Tensor = self.model(view[None].to(self._device))
        return rows[0].float().cpu()

    def _classifier(self, picture: Picture) -> SaidClass:
        probabilities = self._centre(picture).softmax(dim=0).tolist()
        named = zip(self.facts.names(len(probabilities)), probabilities, strict=True)
        ordered = dict(sorted(named, key=lambda entry: -entry[1]))
        name = next(iter(ordered))
        return SaidClass(name=name, probability=ordered[name], probabilities=ordered)

    def _estimator(self, picture: Picture) -> dict[str, float]:
        row = self._centre(picture)
        values = row.sigmoid() if self.facts.card["model"]["values"] == "labels" else row
        return dict(zip(self.facts.names(len(row)), values.tolist(), strict=True))

    def _segmenter(self, picture: Picture, **how: Any) -> SaidPixels:
        scanner = Scanner(
            model=self.model,  # type: ignore[arg-type]  # the kind says so
            how=Scan(**how).after(self.facts.card.get("short_side")),
            tile=self.facts.size,
            peers=Peers(device=self._device),
        )
        mask = scanner.classes(self.facts.normalise(picture)[None].to(self._device))
        return SaidPixels(
            mask=mask.astype(np.int64),
            classes=self.facts.names(self.facts.card["model"]["num_classes"]),
        )

    def _detector(self, picture: Picture, **how: Any) -> Detections:
        number = self.facts.card["model"]["num_classes"]
        seen = self._found(picture, Tiles(**how).after(self.facts.tile))
        return replace(seen, classes=tuple(self.facts.names(number)))

    def _found(self, picture: Picture, tiles: Tiles) -> Detections:
        """The objects of a picture, through windows or fitted."""
        if tiles.size is not None:
            tiler = Tiler(
                model=self.model,  # type: ignore[arg-type]  # the kind says so
                tile=sides(tiles.size),
                overlap=tiles.share,
                peers=Peers(device=self._device),
            )
            return tiler(Decoded(picture), self.facts.normalise)
        stride = self.model.encoder.architecture.stride  # type: ignore[union-attr]
        fit = Fit(within=self.facts.size, stride=stride)  # type: ignore[arg-type]
        view, sizes = fit(picture, {}, self.facts.normalise)
        original, fitted = (tuple(sizes[name].tolist()) for name in ("original", "fitted"))
        [found] = self.model(view[None].to(self._device), [fitted])
        return in_pixels(found, fitted=fitted, original=original)


def with_predict(model: nn.Module, card: Card) -> nn.Module:
    """Give a model of a kind that says something about images its ``predict``."""
    if card["model"]["kind"] in Predictor.kinds:
        # Not a part of the model: PyTorch would want a module or a parameter.
        channels = model.encoder.architecture.channels  # type: ignore[union-attr]
        facts = Facts(card=card, channels=channels)  # type: ignore[arg-type]
        model.__dict__["predict"] = Predictor(model=model, facts=facts)
    return model
