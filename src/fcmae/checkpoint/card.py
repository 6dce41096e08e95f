"""The card of a weights file: which model it holds, and the images that the model was made for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from fcmae.checkpoint.checked import (
    identifiers,
    mapping,
    mappings,
    names,
    number,
    numbers,
    share,
    sides,
    text,
    whole,
)
from fcmae.model.kinds import Net, net_from
from fcmae.model.tiling import Tiling
from fcmae.model.timm_options import TimmArchitecture

FORMAT = 1
"""Number of this form of cards."""

DEFAULT_SIZE = (224, 224)
"""Height and width of images where a card names none."""


@dataclass(frozen=True, kw_only=True)
class LabelMapMeaning:
    """Meaning of the numbers in the label maps that a segmenter learned from.

    Attributes:
        numbers: Number of each class; None for 0, 1, 2, ...
        ignore_index: Number of pixels that count nowhere; None where no option said it.
        reduce_zero_label: True if 0 counts nowhere and 1 is the first class.
    """

    numbers: tuple[int, ...] | None = None
    ignore_index: int | None = None
    reduce_zero_label: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Card:
    """Metadata of weights. Whatever is not known is None or empty.

    Attributes:
        model: Description of the model: its kind, the architecture of its encoder, and the fields
            of its kind, as ``fcmae.model.build.rebuild`` takes them.
        weights: ``trained`` or ``average``.
        step: Optimizer steps that they have seen.
        metrics: What was measured last.
        options: Options of the run that made them.
        size: Height and width of the images that the model was made for.
        mean: Mean of each channel, by which images are normalised; 8 bits count as [0, 1].
        std: Standard deviation of each channel.
        nodata: Value of missing pixels, beside those that files mark themselves.
        lineage: Where the weights come from, oldest first.
        licence: Terms that they are under.
        classes: Names of the classes, or of the labels or numbers of an estimator.
        class_ids: Numbers of a detector's classes in COCO files.
        tiling: Windows that a detector looked through.
        short_side: Shorter side that a segmenter's images were resized to.
        labels: Meaning of the numbers in label maps.
        encoder_of: The whole net, where the file is read for its encoder alone; never written.
        more: Facts of the user's own.
    """

    model: dict[str, Any]
    weights: str | None = None
    step: int | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    nodata: float | None = None
    lineage: tuple[Mapping[str, Any], ...] = ()
    licence: str | None = None
    classes: tuple[str, ...] | None = None
    class_ids: tuple[int, ...] | None = None
    tiling: Tiling | None = None
    short_side: int | None = None
    labels: LabelMapMeaning | None = None
    encoder_of: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.model.get("kind"), str):
            raise ValueError("its model names no kind")
        channels, outputs = None if self.net is None else self.net.channels, self.num_outputs
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and channels is not None and len(values) != channels:
                raise ValueError(f"its {name} has {len(values)} values for {channels} channels")
        if self.classes is not None and outputs is not None and len(self.classes) != outputs:
            raise ValueError(f"it names {len(self.classes)} classes of {outputs}")

    @property
    def kind(self) -> str:
        """The kind of the model, such as ``classifier``."""
        kind: str = self.model["kind"]
        return kind

    @property
    def net(self) -> Net | None:
        """The encoder: one of ours, or a net of timm; None for a model without one.

        Raises:
            ValueError: This version knows no such encoder.
        """
        if "architecture" not in self.model:
            return None
        found = self.model["architecture"]
        try:
            return net_from(found)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"there is no encoder such as {found}: {error!r}") from error

    @property
    def is_of_timm(self) -> bool:
        """True if the encoder is a net of timm, trained here or there."""
        return isinstance(self.net, TimmArchitecture)

    @property
    def num_outputs(self) -> int | None:
        """Number of classes, or of an estimator's labels or numbers; None for other models."""
        found = self.model.get("num_classes", self.model.get("num_values"))
        return whole("number of classes", found, least=1)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of images, also where the card names none."""
        return self.size or DEFAULT_SIZE

    @classmethod
    def from_json(cls, content: Any) -> "Card":
        """Reads a card from JSON, and checks every field.

        Raises:
            ValueError: A field has a value that it cannot have, named in the message.
        """
        left = dict(mapping("content", content))
        if (version := left.pop("format", FORMAT)) != FORMAT:
            raise ValueError(f"its format is {version!r}, but this version reads {FORMAT}")
        known = {
            name: check(name, left.pop(name)) for name, check in CHECKS.items() if name in left
        }
        tile, overlap = known.pop("tile", None), known.pop("tile_overlap", None)
        if tile is not None:
            overlap = Tiling.overlap if overlap is None else overlap
            known["tiling"] = Tiling(size=tile, overlap=overlap)
        if "model" not in known:
            raise ValueError("it describes no model")
        given = {name: value for name, value in known.items() if value is not None}
        return cls(**given, more=left)

    def to_json(self) -> dict[str, Any]:
        """The card as JSON, without what is not known."""
        return {"format": FORMAT, **dict(self._entries()), **self.more}

    def completed(self, facts: Mapping[str, Any]) -> "Card":
        """The card with facts, as JSON has them, in place of those that it lacks.

        Raises:
            ValueError: A fact has a value that it cannot have.
        """
        return replace(Card.from_json({**facts, **self.to_json()}), encoder_of=self.encoder_of)

    def _entries(self) -> Iterator[tuple[str, Any]]:
        for entry in fields(self):
            name, value = entry.name, getattr(self, entry.name)
            if name in ("encoder_of", "more") or value is None or value in ((), {}):
                continue
            if isinstance(value, Tiling):
                yield "tile", list(value.size)
                yield "tile_overlap", value.overlap
            elif isinstance(value, LabelMapMeaning):
                told = asdict(value)
                yield name, told if value.numbers else _without(told, "numbers")
            else:
                yield name, list(value) if isinstance(value, tuple) else value


def _without(told: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key != name}


def _labels(name: str, value: Any) -> LabelMapMeaning | None:
    if value is None:
        return None
    found = mapping(name, value)
    ignored, reduced = found.get("ignore_index"), found.get("reduce_zero_label")
    if not (reduced is None or isinstance(reduced, bool)):
        raise ValueError(f"its {name} has {reduced!r} for reduce_zero_label")
    told = numbers(f"{name}.numbers", found.get("numbers"))
    return LabelMapMeaning(
        numbers=None if told is None else tuple(int(one) for one in told),
        ignore_index=whole(f"{name}.ignore_index", ignored, least=None),
        reduce_zero_label=reduced,
    )


CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "model": mapping,
    "weights": text,
    "step": whole,
    "metrics": mapping,
    "options": mapping,
    "size": sides,
    "mean": numbers,
    "std": lambda name, value: numbers(name, value, positive=True),
    "nodata": number,
    "lineage": mappings,
    "licence": text,
    "classes": names,
    "class_ids": identifiers,
    "tile": sides,
    "tile_overlap": share,
    "short_side": lambda name, value: whole(name, value, least=1),
    "labels": _labels,
}
"""Each entry of the JSON, in the order in which it is written, and what checks it."""
