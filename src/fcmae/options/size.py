"""The size of images, as options give it."""

Size = int | tuple[int, int]
"""Side of a square in pixels, or height and width."""


def size_or(size: Size | None, otherwise: Size) -> Size:
    """The size that was given, right or wrong, or another where none was."""
    return otherwise if size is None else size


def sides(size: Size, name: str = "size") -> tuple[int, int]:
    """Height and width."""
    height, width = (size, size) if isinstance(size, int) else size
    if height < 1 or width < 1:
        raise ValueError(f"{name} is {height} x {width} pixels, but both must be at least 1.")
    return height, width


def divisible_sides(size: Size, stride: int, name: str = "size") -> tuple[int, int]:
    """Height and width, which an encoder of this stride must divide."""
    height, width = sides(size, name)
    if height % stride or width % stride:
        fits = " x ".join(str(max(1, round(side / stride)) * stride) for side in (height, width))
        raise ValueError(
            f"{name} is {height} x {width} pixels, but both must be multiples of the encoder's "
            f"stride, {stride}. The nearest that fits is {fits}."
        )
    return height, width
