"""Predictions drawn over images: masks, boxes, names and scores, and a legend of the colours."""

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fcmae.data.modes import Picture
from fcmae.evaluation.detections import Detections

OPACITY = 0.45
GOLDEN_ANGLE = 0.61803398875
"""Steps of this share around the colour wheel stay far from all earlier ones."""

Colour = tuple[int, int, int]


def class_colour(label: int) -> Colour:
    """A colour for each class, the same in every picture."""
    hue = (0.58 + label * GOLDEN_ANGLE) % 1.0
    value = 0.95 if label % 2 == 0 else 0.75
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.75, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def visible(picture: Picture) -> NDArray[np.uint8]:
    """A picture of any channels as people can see it: colour, or its first channel in grey."""
    shown = picture if picture.shape[2] == 3 else picture[..., :1].repeat(3, axis=2)
    if shown.dtype == np.uint8:
        return shown.astype(np.uint8)
    return (shown * 255 + 0.5).astype(np.uint8)


def draw_detections(picture: Picture, found: Detections, classes: Sequence[str]) -> Image.Image:
    """The picture with every object found, the best one on top.

    Each class has a colour. Where there is one class only, each object has, so that neighbours can
    be told apart.
    """
    pixels = visible(picture)
    alike = len(classes) == 1
    colours = [class_colour(i if alike else label) for i, label in enumerate(found.labels.tolist())]
    order = range(len(found) - 1, -1, -1)
    for number in order if found.masks is not None else ():
        assert found.masks is not None
        cutout, colour = found.masks[number], colours[number]
        height, width = cutout.mask.shape
        place = pixels[cutout.top : cutout.top + height, cutout.left : cutout.left + width]
        mixed = place[cutout.mask] * (1 - OPACITY) + np.array(colour) * OPACITY
        place[cutout.mask] = mixed.round().astype(np.uint8)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    # No larger than goes with the objects, which windows find in images of any size.
    side = float(np.median(found.boxes[:, 2:] - found.boxes[:, :2])) if len(found) else np.inf
    line = max(1, round(min(*image.size, 10 * side) / 250))
    font = ImageFont.load_default(max(10, min(*image.size, 10 * side) / 40))
    for number in order:
        label, colour = int(found.labels[number]), colours[number]
        left, top, right, bottom = found.boxes[number].tolist()
        draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), None, colour, line)
        text = f"{classes[label]} {found.scores[number]:.2f}"
        _tag(draw, text, (left, top), colour, font)
    labels = [] if alike else sorted(set(found.labels.tolist()))
    return with_legend(image, [(classes[label], class_colour(label)) for label in labels])


def with_legend(image: Image.Image, entries: Sequence[tuple[str, Colour]]) -> Image.Image:
    """The image with a strip below that names the colours in it."""
    if not entries:
        return image
    height = max(11, min(image.size) / 36)
    font = ImageFont.load_default(height)
    measure = ImageDraw.Draw(image)
    line = round(height * 1.6)
    places, x, y = [], line // 2, 0
    for name, _ in entries:
        width = round(measure.textlength(name, font=font)) + round(line * 1.8)
        if x > line // 2 and x + width > image.width:
            x, y = line // 2, y + line
        places.append((x, y))
        x += width
    whole = Image.new("RGB", (image.width, image.height + y + line), "white")
    whole.paste(image)
    draw = ImageDraw.Draw(whole)
    side = round(line * 0.6)
    for (name, colour), (left, down) in zip(entries, places, strict=True):
        top = image.height + down + (line - side) // 2
        draw.rectangle((left, top, left + side, top + side), fill=colour)
        draw.text((left + side + line // 3, top + side / 2), name, "black", font, anchor="lm")
    return whole


def _tag(
    draw: ImageDraw.ImageDraw,
    text: str,
    corner: tuple[float, float],
    colour: Colour,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """A word on a ground of its class's colour, inside the upper left corner of its box."""
    right, bottom = draw.textbbox(corner, text, font=font)[2:]
    draw.rectangle((*corner, right + 2, bottom + 2), fill=colour)
    bright = sum(colour) > 3 * 140
    draw.text((corner[0] + 1, corner[1]), text, "black" if bright else "white", font)
