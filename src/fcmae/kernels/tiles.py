"""Tells kernels where the positions of a feature tensor lie on a map."""

from dataclasses import dataclass

from jaxtyping import Int
from torch import Tensor

from fcmae.types import Positions, VisiblePatches


@dataclass(frozen=True, kw_only=True)
class MapTiles:
    """Positions of an image as tiles of a map: visible patches, or one tile that is the whole map.

    Attributes:
        height: Rows of the map.
        width: Columns of the map.
        tile_height: Rows of a tile.
        tile_width: Columns of a tile.
        patches: Raster indices, in the grid of tiles, of each image's tiles; None for one tile that
            is the whole map.
        order: Where in a tile its position in raster order lies; None if it lies in raster order.
        places: Raster indices, on the map, of each image's positions as they lie; None as
            ``patches``.
        index: The same, counted through all images, flat.
        rows: The other way round: where among an image's positions each place of the map lies, -1
            where it is hidden; None as ``patches``.
    """

    height: int
    width: int
    tile_height: int
    tile_width: int
    patches: VisiblePatches | None = None
    order: Int[Tensor, " raster"] | None = None
    places: Positions | None = None
    index: Int[Tensor, " np"] | None = None
    rows: Int[Tensor, "n hw"] | None = None

    @staticmethod
    def whole(height: int, width: int) -> "MapTiles":
        """Every position of the map, in raster order."""
        return MapTiles(height=height, width=width, tile_height=height, tile_width=width)
