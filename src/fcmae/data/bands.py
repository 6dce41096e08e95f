"""What the samples of a TIFF mean: which are colours, which way is bright, what is opacity."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcmae.data.modes import (
    Picture,
    Refused,
    check_not_empty,
    check_not_hidden,
    holes_in,
    on_white,
    scaled,
    upright,
    with_holes,
)

MINISWHITE, MINISBLACK, RGB, PALETTE = 0, 1, 2, 3
COLOURS = {MINISWHITE: 1, MINISBLACK: 1, RGB: 3, PALETTE: 1}
"""Samples of a pixel that are its colour, in the kinds that are read sample by sample."""

ORIENTATION, COLOUR_MAP, GDAL_NODATA = 274, 320, 42113
GEO = (33550, 33922, 34264, 34735, 42112)
"""Tags of files that show a part of the Earth."""

ASSOCIATED, UNASSOCIATED = 1, 2
FAX = (2, 3, 4)
"""Compressions for scanned paper, where 0 is white unless the file says otherwise."""

SOLID = 0.5
"""Share of the visible pixels that are wholly opaque, if the sample is opacity at all."""


@dataclass(frozen=True, kw_only=True)
class Bands:
    """The meaning of the samples of a page.

    Attributes:
        kind: Photometric interpretation.
        bits: Of a sample.
        signed: True if samples are signed integers or floats, of which no number is the whitest.
        opacity: Place of the sample that is marked as opacity.
        sure: True if it is known to be a band: of a map, or one of several further samples.
        associated: True if colours have been multiplied by their opacity.
        palette: Colours of 8 bits by their number.
        marks: Numbers that mark missing pixels.
        orientation: As in EXIF, 1 to 8.
    """

    kind: int
    bits: int
    signed: bool = False
    opacity: int | None = None
    sure: bool = False
    associated: bool = False
    palette: NDArray[np.uint8] | None = None
    marks: tuple[float, ...] = ()
    orientation: int = 1

    @classmethod
    def of(cls, page: Any, nodata: float | None = None) -> "Bands":
        """The bands of a page of tifffile.

        Args:
            page: The page, or the one that stands for it.
            nodata: Number that marks missing pixels beside that of the page's tag.
        """
        kind = photometric(page)
        extras = tuple(int(extra) for extra in page.extrasamples)
        colours = COLOURS.get(kind, page.samplesperpixel)
        number = page.samplesperpixel - colours
        marked = [i for i, extra in enumerate(extras) if extra in (ASSOCIATED, UNASSOCIATED)]
        if not extras and number == 1:
            marked = [0]  # many programs write opacity without saying so
        tag = page.tags.get(ORIENTATION)
        return cls(
            kind=kind,
            bits=page.bitspersample,
            signed=page.dtype is None or page.dtype.kind not in "ub",
            opacity=colours + marked[0] if marked else None,
            sure=number > 1 or any(code in page.tags for code in GEO),
            associated=bool(marked) and extras[marked[0] : marked[0] + 1] == (ASSOCIATED,),
            palette=_palette(page) if kind == PALETTE else None,
            marks=tuple(mark for mark in (nodata_of(page), nodata) if mark is not None),
            orientation=1 if tag is None else int(tag.value),
        )

    @property
    def stored_upright(self) -> "Bands":
        """The same of samples that are upright already."""
        return replace(self, orientation=1)

    @property
    def alone(self) -> "Bands":
        """The meaning of a page that is one channel of several."""
        return replace(self, opacity=None)

    def picture(self, samples: NDArray[Any], channels: int | None) -> Picture:
        """The upright picture that samples show.

        Args:
            samples: Numbers of the file, height x width x samples.
            channels: What the model takes, which says whether opacity is kept.
        """
        picture = self.meant(samples, channels)
        check_not_empty(picture)
        return upright(picture, self.orientation)

    def meant(self, samples: NDArray[Any], channels: int | None) -> Picture:
        """What samples mean, as they are stored; all may be missing in a part of a picture."""
        holes = holes_in(samples, *self.marks)
        picture = scaled(self._bright(samples))
        if self.palette is not None:
            picture = self._coloured(samples, picture)
            if holes is not None:
                holes = np.concatenate([holes[..., :1].repeat(3, axis=2), holes[..., 1:]], axis=2)
        if self.opacity is None:
            return with_holes(picture, holes)
        if self.is_band(samples[..., self.opacity]):
            return self._without_band(with_holes(picture, holes), channels)
        return self._veiled(picture, holes, keep=channels in (2, 4))

    def is_band(self, opacity: NDArray[Any]) -> bool:
        """Returns whether a sample that is marked as opacity is a band of its own, as infrared is.

        It is in maps, and beside further samples. Elsewhere it is if less than half of the pixels
        that it shows at all are wholly opaque, as no cut-out looks.
        """
        if self.sure or self.opacity is None:
            return self.opacity is not None
        full = self._full(opacity)
        seen = opacity[opacity > 0]
        if full is None or (seen.size and float(seen.max()) > full):
            return True
        return bool(seen.size and (seen == full).mean() < SOLID)

    def _full(self, opacity: NDArray[Any]) -> float | None:
        """The number of wholly opaque pixels; None if the type has none."""
        if opacity.dtype.kind == "f":
            return 1.0
        known = opacity.dtype.kind in "ub" and (self.bits <= 8 or self.bits == 16)
        return float(2**self.bits - 1) if known else None

    def _bright(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Numbers of which a larger one is brighter, at least of 8 bits."""
        if samples.dtype == np.bool_:
            samples = samples.copy()
            samples[..., 0] ^= self.kind == MINISWHITE
            return samples
        full = 2**self.bits - 1
        if self.kind == MINISWHITE and not self.signed:
            samples = samples.copy()
            samples[..., 0] = full - samples[..., 0]
        if self.bits < 8 and self.palette is None and not self.signed:
            samples = (samples.astype(np.float32) * (255 / full)).round().astype(np.uint8)
        return samples

    def _coloured(self, samples: NDArray[Any], picture: Picture) -> Picture:
        assert self.palette is not None
        numbers = samples[..., 0].astype(np.int64)
        if numbers.min() < 0 or numbers.max() >= len(self.palette):
            raise Refused(f"damaged: a colour beyond the {len(self.palette)} of its palette")
        colours = self.palette[numbers]
        if samples.shape[2] == 1:
            return colours
        if picture.dtype != np.uint8:
            raise Refused("a palette beside samples of more than 8 bits is not supported")
        return np.concatenate([colours, picture[..., 1:]], axis=2)

    def _without_band(self, picture: Picture, channels: int | None) -> Picture:
        """Leave the marked band out where only the others are what the model takes."""
        assert self.opacity is not None
        place = self.opacity + (2 if self.palette is not None else 0)
        have = picture.shape[2]
        if channels in (None, have) or not (channels == have - 1 or {have - 1, channels} == {1, 3}):
            return picture
        rest: Picture = np.delete(picture, place, axis=2)
        return rest

    def _veiled(self, picture: Picture, holes: NDArray[Any] | None, *, keep: bool) -> Picture:
        """A picture with opacity laid on white, or with it as its last channel."""
        check_not_hidden(picture[..., -1])
        if self.associated:
            picture = _divided(picture) if keep else _on_white_already(picture)
        elif not keep:
            picture = on_white(picture)
        return with_holes(picture, None if holes is None else holes[..., : picture.shape[2]])


def photometric(page: Any) -> int:
    """The photometric interpretation of a page; where it has none, what libtiff takes."""
    if 262 in page.tags:
        return int(page.photometric)
    if page.samplesperpixel >= 3:
        return RGB
    return MINISWHITE if int(page.compression) in FAX else MINISBLACK


def nodata_of(page: Any) -> float | None:
    """The value that marks missing pixels of a page, by its tag."""
    tag = page.tags.get(GDAL_NODATA)
    try:
        return None if tag is None else float(str(tag.value).strip().strip("\0").strip())
    except ValueError:
        return None


def _palette(page: Any) -> NDArray[np.uint8]:
    """Colours of 8 bits; some programs wrote them so although the tag holds 16 bits."""
    tag = page.tags.get(COLOUR_MAP)
    if tag is None:
        raise Refused("damaged: it has a palette without colours")
    table = np.asarray(tag.value, dtype=np.uint16).reshape(3, -1).T
    return (table if table.max() < 256 else table >> 8).astype(np.uint8)


def _divided(picture: Picture) -> Picture:
    """Colours that were multiplied by their opacity, without it."""
    full = 255 if picture.dtype == np.uint8 else 1
    colours, opacity = picture[..., :-1].astype(np.float32), picture[..., -1:].astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        clear = np.where(opacity > 0, colours * full / opacity, 0).clip(0, full)
    clear = clear.round() if full == 255 else clear
    whole: Picture = np.concatenate([clear.astype(picture.dtype), picture[..., -1:]], axis=2)
    return whole


def _on_white_already(picture: Picture) -> Picture:
    """Colours that were multiplied by their opacity, laid on white."""
    if picture.dtype == np.uint8:
        wide = picture.astype(np.uint16)
        return (wide[..., :-1] + (255 - wide[..., -1:])).clip(0, 255).astype(np.uint8)
    return (picture[..., :-1] + (1 - picture[..., -1:])).astype(np.float32)
