"""Objects are drawn in the colours of their classes, or each in its own if there is one class."""

import numpy as np

from fcmae.analysis.overlays import class_colour, draw_detections
from fcmae.evaluation.detections import Cutout, Detections

SIDE = 96


def two_squares(labels: list[int]) -> Detections:
    return Detections(
        size=(SIDE, SIDE),
        boxes=np.array([[0.0, 0, 40, 40], [50, 50, 90, 90]]),
        scores=np.array([0.9, 0.8]),
        labels=np.array(labels),
        masks=[Cutout(top=at, left=at, mask=np.ones((40, 40), np.bool_)) for at in (0, 50)],
    )


def drawn(labels: list[int], classes: list[str]) -> tuple[list[list[int]], int]:
    """The colours of the two masks over black, and the height of the picture."""
    black = np.zeros((SIDE, SIDE, 3), np.uint8)
    image = draw_detections(black, two_squares(labels), classes)
    pixels = np.asarray(image)
    return [pixels[at, at].tolist() for at in (30, 80)], image.height


def over_black(label: int) -> list[int]:
    return np.rint(np.array(class_colour(label)) * 0.45).astype(int).tolist()


def test_objects_of_a_class_have_its_colour_and_a_legend() -> None:
    colours, height = drawn([1, 1], ["cat", "dog"])
    assert colours == [over_black(1), over_black(1)]
    assert height > SIDE


def test_objects_of_the_only_class_have_a_colour_each() -> None:
    colours, height = drawn([0, 0], ["cell"])
    assert colours == [over_black(0), over_black(1)]
    assert height == SIDE
