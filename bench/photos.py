"""Photos of given sizes, made of other photos."""

import numpy
from PIL import Image

LARGE = (6000, 4000)  # 24 megapixels


def photo_of_side(source, side, destination):
    """`source` with its longer side at `side` pixels, as a JPEG."""
    with Image.open(source) as photo:
        scale = side / max(photo.size)
        size = tuple(max(1, round(extent * scale)) for extent in photo.size)
        photo.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(destination, quality=90)
    return destination


def large_photo(source, destination):
    """A 24-megapixel JPEG as a camera makes it: grain in every pixel, so that decoding costs what it costs."""
    with Image.open(source) as photo:
        large = numpy.asarray(photo.convert("RGB").resize(LARGE, Image.Resampling.BICUBIC), dtype=numpy.int16)
    grain = numpy.random.default_rng(1).normal(0, 8, large.shape[:2]).astype(numpy.int16)
    grainy = (large + grain[..., None]).clip(0, 255).astype(numpy.uint8)
    Image.fromarray(grainy).save(destination, quality=90)
    return destination
