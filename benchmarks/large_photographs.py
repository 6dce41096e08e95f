"""Photographs as large as a phone's, tiled from smaller ones: detail and bytes are real.

python benchmarks/large_photographs.py PHOTOS OUT
"""

import argparse
from itertools import cycle
from pathlib import Path

from PIL import Image

SIZE, TILE = (4032, 3024), (640, 480)


def main() -> None:
    """Write ``OUT/0.jpg`` and so on, each from other photographs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=4)
    args = parser.parse_args()
    files = sorted(args.photos.glob("0*.jpg"))
    if not files:
        parser.error(f"{args.photos} holds no photograph named 0*.jpg.")
    args.out.mkdir(parents=True, exist_ok=True)
    photos = cycle(files)
    for number in range(args.count):
        large = Image.new("RGB", SIZE)
        for top in range(0, SIZE[1], TILE[1]):
            for left in range(0, SIZE[0], TILE[0]):
                with Image.open(next(photos)) as photo:
                    large.paste(photo.convert("RGB").resize(TILE), (left, top))
        large.save(args.out / f"{number}.jpg", quality=90)


if __name__ == "__main__":
    main()
