"""Files that segmenting writes: label maps, overlays, polygons."""

import json
from collections.abc import Sequence

import numpy as np
from jaxtyping import Integer

from fcmae.analysis.label_pictures import draw_classes, write_label_map
from fcmae.analysis.reconstructions import as_shown
from fcmae.data.image_list import ImageList
from fcmae.data.modes import Picture
from fcmae.data.naming import distinct_stems
from fcmae.data.normalisation import Normalisation
from fcmae.data.trace import polygons, signed_area
from fcmae.files.durable import write_synced
from fcmae.files.journal import Journal
from fcmae.inference.prologue import TrainedModel
from fcmae.inference.segmentation.options import Form
from fcmae.types import Images

LabelMapArray = Integer[np.ndarray, "h w"]

NOT_SEEN = np.empty((0, 0, 3), np.uint8)
"""The picture of an image that is not drawn."""

ENDINGS: dict[Form, str] = {"masks": "png", "overlays": "png", "polygons": "geojson"}


class SegmentationOutput:
    """The files of a folder.

    Attributes:
        images: All images.
        stems: What their files are called, without an ending.
        classes: Names of the classes.
        channels: Of the images.
        reading: Limits and rules for reading them.
        normalise: How images become what the model sees.
        counts: Pixels that were called each class.
        written: Images that were written.
    """

    def __init__(self, forms: Sequence[Form], trained: TrainedModel, images: ImageList) -> None:
        self.forms, self.images, weights = forms, images, trained.weights
        number = weights.description["num_classes"]
        self.stems = distinct_stems([images.name(i) for i in range(len(images))])
        self.classes = weights.classes or [str(label) for label in range(number)]
        self.channels, self.reading = trained.channels, trained.loader.reading
        self.normalise = Normalisation.of(trained.loader, self.channels)
        self.counts = np.zeros(number, dtype=np.int64)
        self.written = 0

    def names(self) -> list[str]:
        """All files that may be written, relative to the folder."""
        return [_name(form, stem) for form in self.forms for stem in self.stems]

    def seen(self, image: Images) -> Picture:
        """An image as the model has seen it, if it is to be drawn over."""
        if "overlays" not in self.forms:
            return NOT_SEEN
        picture: Picture = as_shown(image, self.normalise)[0].numpy()
        return picture

    def write(
        self, journal: Journal, index: int, called: LabelMapArray, picture: Picture, side: int = 1
    ) -> None:
        """Write an image's classes in each form.

        Args:
            journal: By which to write files.
            index: Of the image.
            called: The class of each pixel.
            picture: The image to draw them over, reduced where it is large.
            side: So many pixels of the image are one of the picture, in each direction.
        """
        self.counts += np.bincount(called.ravel(), minlength=len(self.counts))
        self.written += 1
        for form in self.forms:
            with journal.writing(_name(form, self.stems[index])) as path:
                if form == "masks":
                    write_label_map(called, len(self.classes), path)
                elif form == "overlays":
                    middles = called[side // 2 :: side, side // 2 :: side]
                    shown = middles[: picture.shape[0], : picture.shape[1]]
                    draw_classes(picture, shown, self.classes, path)
                else:
                    write_synced(path, f"{json.dumps(self._features(called))}\n".encode())

    def _features(self, called: LabelMapArray) -> dict[str, object]:
        """A feature for each connected region of a class; y grows downwards, as in the image."""
        features = [
            {
                "type": "Feature",
                "properties": {
                    "class": self.classes[label],
                    "index": label,
                    "pixels": int(sum(map(signed_area, rings))),
                },
                "geometry": {"type": "Polygon", "coordinates": rings},
            }
            for label in np.unique(called).tolist()
            for rings in polygons(called == label)
        ]
        return {"type": "FeatureCollection", "features": features}


def _name(form: Form, stem: str) -> str:
    return f"{form}/{stem}.{ENDINGS[form]}"
