"""Looks at some label maps of a data set to decide what they mean."""

import numpy as np
from numpy.typing import NDArray

from fcmae.data.image_list import ImageList
from fcmae.data.segments.colours import ColourTable
from fcmae.data.segments.label_maps import MapStore
from fcmae.data.segments.meaning import Meaning, decided
from fcmae.randomness import seeded


def looked_at(images: ImageList, maps: MapStore, meaning: Meaning) -> Meaning:
    """The meaning of label maps after a look at some of them."""

    def read(index: int, colours: ColourTable | None) -> NDArray[np.int32]:
        with seeded(0, "meaning", index):
            return maps.read(index, images.store.size(index), colours)

    return decided(meaning, read, len(images))
