"""Image files of many kinds, and what torchvision makes of them; run by images_test.cpp.

oracle.py FOLDER files           writes the files
oracle.py FOLDER expected        the same, and beside each FILE for each transform FILE.TRANSFORM: the bytes of the tensor
oracle.py FOLDER parts FILE...   reads lines "TOP LEFT HEIGHT WIDTH" from stdin and writes FILE.part.N: that part, stretched to 48 x 64
"""
import os
import pathlib
import struct
import sys
import zlib

sys.path.insert(0, os.environ["TRAINHOST_MODEL_MODULES"])
import numpy
from PIL import Image

ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def torchvision_transforms():
    from torchvision import transforms  # takes seconds

    resize = lambda size: transforms.Resize(size, transforms.InterpolationMode.BILINEAR, antialias=True)
    stretched = resize((48, 64))
    normalised = transforms.Compose([stretched, transforms.ToTensor(), transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
    return {"stretched": stretched, "grown": resize((400, 650)), "centre": transforms.Compose([resize(83), transforms.CenterCrop((48, 64))])}, normalised


def photograph(height, width):
    """Smooth slopes, edges and a little noise, as photographs have them."""
    random = numpy.random.default_rng(1)
    y, x = numpy.mgrid[0:height, 0:width]
    waves = numpy.stack([numpy.sin(x / 31 + c) + numpy.cos(y / 23 - c) + numpy.sin((x + y) / 57) for c in range(3)], -1)
    image = 128 + 40 * waves + random.normal(0, 4, waves.shape)
    image[height // 3 : height // 2, width // 4 : width // 2] += (60, -30, 10)
    return numpy.clip(image, 0, 255).astype(numpy.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels, depth, colour_type, is_interlaced):
    """Pillow writes neither 16 bits of colour nor interlaced files."""
    height, width = pixels.shape[:2]
    kind = numpy.dtype(">u2") if depth == 16 else numpy.uint8
    passes = [pixels[top::rows, left::columns] for top, left, rows, columns in ADAM7] if is_interlaced else [pixels]
    rows = b"".join(b"\0" + row.astype(kind).tobytes() for part in passes if part.size for row in part)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(is_interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def write_expected(folder, images):
    transforms, normalised = torchvision_transforms()
    for name, image in images.items():
        for how, transform in transforms.items():
            (folder / f"{name}.{how}").write_bytes(numpy.asarray(transform(image.convert("RGB"))).transpose(2, 0, 1).tobytes())
        (folder / f"{name}.same").write_bytes(numpy.asarray(image.convert("RGB")).transpose(2, 0, 1).tobytes())
        (folder / f"{name}.normalised").write_bytes(normalised(image.convert("RGB")).numpy().tobytes())
        (folder / f"{name}.grey").write_bytes(numpy.asarray(transforms["stretched"](image.convert("L"))).tobytes())


def files(folder):
    pixels = photograph(333, 501)
    photo = Image.fromarray(pixels)
    alpha = Image.fromarray(numpy.linspace(0, 255, pixels[..., 0].size).reshape(pixels.shape[:2]).astype(numpy.uint8))
    saved = {
        "plain.png": (photo, {}),
        "alpha.png": (Image.merge("RGBA", (*photo.split(), alpha)), {}),
        "grey.png": (photo.convert("L"), {}),
        "grey_alpha.png": (Image.merge("LA", (photo.convert("L"), alpha)), {}),
        "palette.png": (photo.quantize(200), {"transparency": 3}),
        "few_colours.png": (photo.quantize(4), {"bits": 2}),
        "one_bit.png": (photo.convert("1"), {}),
        "pixel.png": (photo.crop((0, 0, 1, 1)), {}),
        "444.jpg": (photo, {"subsampling": 0, "quality": 92}),
        "422.jpg": (photo, {"subsampling": 1}),
        "420.jpg": (photo, {"subsampling": 2}),
        "progressive.jpg": (photo, {"progressive": True, "quality": 90}),
        "restarts.jpg": (photo, {"restart_marker_rows": 2}),
        "grey.jpg": (photo.convert("L"), {}),
        "cmyk.jpg": (photo.convert("CMYK"), {"quality": 95}),
        "rgb.jpg": (photo, {"keep_rgb": True}),
        "tiny.jpg": (photo.crop((0, 0, 3, 2)), {}),
    }
    for name, (image, options) in saved.items():
        image.save(folder / name, **options)
    images = {name: Image.open(folder / name) for name in saved}
    deep = pixels.astype(numpy.uint16) * 256 + numpy.roll(pixels, 7, axis=1)
    written = {
        "interlaced.png": (png(pixels, 8, 2, True), pixels),
        "interlaced_grey.png": (png(pixels[..., 0], 8, 0, True), pixels[..., 0]),
        "deep.png": (png(deep, 16, 2, False), numpy.round(deep / 257).astype(numpy.uint8)),
        "deep_grey.png": (png(deep[..., 0], 16, 0, True), numpy.round(deep[..., 0] / 257).astype(numpy.uint8)),
    }
    for name, (data, wanted) in written.items():
        (folder / name).write_bytes(data)
        images[name] = Image.fromarray(wanted)
    return images


def parts(folder, name, boxes):
    image = Image.open(folder / name).convert("RGB")
    for number, (top, left, height, width) in enumerate(boxes):
        part = image.crop((left, top, left + width, top + height)).resize((64, 48), Image.BILINEAR)
        (folder / f"{name}.part.{number}").write_bytes(numpy.asarray(part).transpose(2, 0, 1).tobytes())


def main():
    folder, what = pathlib.Path(sys.argv[1]), sys.argv[2]
    if what == "parts":
        boxes = [tuple(map(int, line.split())) for line in sys.stdin]
        for name in sys.argv[3:]:
            parts(folder, name, boxes)
        return
    images = files(folder)
    if what == "expected":
        write_expected(folder, images)


main()
