"""Numbers of things in words."""


def number(count: int, noun: str) -> str:
    """A number of things in words: ``1 image``, ``2,000 images``, ``3 classes``."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"
