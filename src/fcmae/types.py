"""Names for the tensors that cross from one room to another.

Axes: ``n`` images, ``p`` positions of a feature map, ``c`` channels, ``h w`` rows and columns
of pixels or positions, ``k`` visible patches of an image, ``d`` values of a patch.
"""

from jaxtyping import Bool, Float, Int
from torch import Tensor

Images = Float[Tensor, "n c h w"]
Features = Float[Tensor, "n p c"]
FeatureMap = Float[Tensor, "n c h w"]
Level = Float[Tensor, "n _ _ _"]
"""A map of a pyramid, whose channels, height and width are its own."""
AllFeatures = Float[Tensor, "n hw c"]
"""Features of every position of the map, in raster order."""
MergedFeatures = Float[Tensor, "n q d"]
"""Features after positions were joined: fewer positions, more channels."""
PerChannel = Float[Tensor, " c"]
DepthwiseWeight = Float[Tensor, "c 1 r s"]
VisiblePatches = Int[Tensor, "n k"]
"""Raster indices of the patches the encoder may see, ascending in each row."""
HiddenPositions = Bool[Tensor, "n p"]
Positions = Int[Tensor, "n p"]
"""Raster indices of positions."""
Patches = Float[Tensor, "n p d"]
Labels = Int[Tensor, " n"]
Logits = Float[Tensor, "n classes"]
PixelLogits = Float[Tensor, "n classes h w"]
LabelMaps = Int[Tensor, "n h w"]
"""Class index of each pixel; -1 where nobody is judged."""
