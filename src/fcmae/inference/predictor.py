"""``fcmae.load(run).predict(image)``: what each kind of model says about one image."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from fcmae.checkpoint.card import Card
from fcmae.data.as_image import Given, picture_of
from fcmae.data.augment import EvaluationView
from fcmae.data.cut import exact
from fcmae.data.normalisation import Normalisation
from fcmae.data.objects.views import Fit
from fcmae.data.options import Loader
from fcmae.data.tiles import DecodedRegions, Regions, Window, open_regions
from fcmae.errors import in_users_words, needs_less
from fcmae.evaluation.detections import Detections, in_pixels
from fcmae.evaluation.forward import evaluating
from fcmae.evaluation.options import Scan, Tiles
from fcmae.evaluation.scan import Scanner
from fcmae.evaluation.tiled import Tiler
from fcmae.inference.predictions import ClassPrediction, PixelPrediction
from fcmae.model.kinds import with_article
from fcmae.options.keywords import keyword_values
from fcmae.options.parse import build
from fcmae.options.size import Size, sides, size_or
from fcmae.options.suggest import did_you_mean
from fcmae.process_group import Peers

Options = TypeVar("Options")


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """Options of a model that takes images in one way only: none."""


@dataclass(frozen=True, kw_only=True)
class DetectorInput:
    """Options of a detector for one image: fitted whole, or through windows."""

    size: Size | None = None
    """Height and width that the image is fitted into, whichever way round suits it."""

    tiles: Tiles = Tiles()


@dataclass(kw_only=True)
class Predictor:
    """Predictions for one image at a time, on whichever device the model is.

    A copy of the model takes its predictor along.

    Attributes:
        model: The model.
        card: Metadata of its weights.
        channels: Channels of the images, which may have been adapted since.
    """

    model: nn.Module
    card: Card
    channels: int
    options: ClassVar[dict[str, type]] = {
        "classifier": NoOptions,
        "estimator": NoOptions,
        "segmenter": Scan,
        "detector": DetectorInput,
    }
    saves_memory: ClassVar[dict[str, list[str]]] = {
        "segmenter": ["a lower large (windows from fewer pixels on)", "lower scales"],
        "detector": ["windows (tiles={'size': ...})", "a smaller size"],
    }

    def __call__(self, image: Given, **how: Any) -> Any:
        """Predicts from one image.

        Args:
            image: A path, an image of Pillow, an array ``h w c`` or a tensor ``c h w``.
            how: The options of ``fcmae predict``: for a segmenter those of the group scan (mode,
                large, overlap, short_side, scales, flip), for a detector size and tiles.

        Returns:
            ``ClassPrediction`` from a classifier, a dict of probabilities or numbers from an
            estimator, ``PixelPrediction`` from a segmenter; from a detector ``Detections``, whose
            ``names``, ``scores``, ``boxes`` and ``masks`` have an entry for each object, best
            first.

        Raises:
            UnusableImage: The file is not an image that is accepted.
            ValueError: The array is none of an image, or there is no such option or value.
            OutOfMemory: There is too little for the image.
        """
        kind = self.card.kind
        options: Any = _chosen(kind, self.options[kind], how)
        answers: dict[str, Callable[[Given, Any], Any]] = {
            "classifier": self._classifier,
            "estimator": self._estimator,
            "segmenter": self._segmenter,
            "detector": self._detector,
        }
        full = needs_less(self.saves_memory.get(kind, []))
        with evaluating(self.model), in_users_words(full):
            return answers[kind](image, options)

    @property
    def _normalise(self) -> Normalisation:
        """Normalisation of pictures for the model."""
        known = (self.card.mean or Loader.mean, self.card.std or Loader.std)
        return Normalisation.of(Loader(mean=known[0], std=known[1]), self.channels)

    def _names(self, number: int) -> list[str]:
        """Names of the classes or values; their numbers where there are none."""
        return list(self.card.classes or map(str, range(number)))

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    @contextmanager
    def _regions(self, image: Given) -> Iterator[Regions]:
        """An image of any size to read by windows; of some files no more than these."""
        if isinstance(image, (str, os.PathLike)):
            with open_regions(image, channels=self.channels) as regions:
                yield regions
        else:
            yield DecodedRegions(picture_of(image, self.channels))

    def _centre(self, image: Given) -> Tensor:
        """The model's output for the centre of an image."""
        picture = picture_of(image, self.channels)
        region = EvaluationView(self.card.image_size).aim(picture.shape[0], picture.shape[1])
        view = self._normalise(exact(picture, region))
        rows: Tensor = self.model(view[None].to(self._device))
        return rows[0].float().cpu()

    def _classifier(self, image: Given, _: NoOptions) -> ClassPrediction:
        probabilities = self._centre(image).softmax(dim=0).tolist()
        named = zip(self._names(len(probabilities)), probabilities, strict=True)
        ordered = dict(sorted(named, key=lambda entry: -entry[1]))
        name = next(iter(ordered))
        return ClassPrediction(name=name, probability=ordered[name], probabilities=ordered)

    def _estimator(self, image: Given, _: NoOptions) -> dict[str, float]:
        row = self._centre(image)
        values = row.sigmoid() if self.card.model["values"] == "labels" else row
        return dict(zip(self._names(len(row)), values.tolist(), strict=True))

    def _segmenter(self, image: Given, scan: Scan) -> PixelPrediction:
        scanner = Scanner(
            model=self.model,  # type: ignore[arg-type]  # the kind says so
            how=scan.after(self.card.short_side),
            tile=self.card.image_size,
            peers=Peers(device=self._device),
        )
        with self._regions(image) as regions:
            height, width = regions.size
            if height * width > scan.large:
                rows = scanner.large(regions, self._normalise)
                mask = np.concatenate([classes for _, classes in rows])
            else:
                whole = Window(top=0, left=0, height=height, width=width)
                view = self._normalise(regions.read(whole))
                mask = scanner.classes(view[None].to(self._device))
        return PixelPrediction(
            mask=mask.astype(np.int64),
            classes=self._names(self.card.num_outputs or 0),
        )

    def _detector(self, image: Given, how: DetectorInput) -> Detections:
        tiling = how.tiles.tiling(self.card.tiling, fitted=how.size)
        if tiling is None:
            found = self._fitted(image, sides(size_or(how.size, self.card.image_size)))
        else:
            tiler = Tiler(
                model=self.model,  # type: ignore[arg-type]  # the kind says so
                tiling=tiling,
                peers=Peers(device=self._device),
            )
            with self._regions(image) as regions:
                found = tiler(regions, self._normalise)
        return replace(found, classes=tuple(self._names(self.card.num_outputs or 0)))

    def _fitted(self, image: Given, within: tuple[int, int]) -> Detections:
        """The objects of an image that is looked at whole."""
        stride = self.model.encoder.architecture.stride  # type: ignore[union-attr]
        fit = Fit(within=within, stride=stride)  # type: ignore[arg-type]
        picture = picture_of(image, self.channels)
        view, sizes = fit(picture, {}, self._normalise)
        original, fitted = (tuple(sizes[name].tolist()) for name in ("original", "fitted"))
        [found] = self.model(view[None].to(self._device), [fitted])
        return in_pixels(found, fitted=fitted, original=original)


def _chosen(kind: str, options: type[Options], how: Mapping[str, Any]) -> Options:
    """The options of a call, checked as those of a command are.

    Raises:
        ValueError: There is no such option, or it cannot have this value.
    """
    names = [field.name for field in dataclasses.fields(cast(Any, options))]
    for name in how:
        if name not in names:
            takes = f"the image and {', '.join(names)}" if names else "the image alone"
            raise ValueError(
                f"predict of {with_article(kind)} takes {takes}, but not {name}."
                f"{did_you_mean(name, names)}"
            )
    return build(options, keyword_values(how, options))


def with_predict(model: nn.Module, card: Card) -> nn.Module:
    """Give a model of a kind that says something about images its ``predict``."""
    if card.kind in Predictor.options:
        # Not a part of the model: PyTorch would want a module or a parameter.
        channels = model.encoder.architecture.channels  # type: ignore[union-attr]
        predictor = Predictor(model=model, card=card, channels=channels)  # type: ignore[arg-type]
        model.__dict__["predict"] = predictor
    return model
