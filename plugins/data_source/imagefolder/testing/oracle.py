"""oracle.py FOLDER [only-write]: writes a tree of images below FOLDER/images; unless only-write, what torchvision's ImageFolder reads: FOLDER/decoded and
FOLDER/labels; prints the classes."""
import os
import pathlib
import sys

sys.path.insert(0, os.environ["TRAINHOST_MODEL_MODULES"])
import numpy
from PIL import Image


def write(root):
    random = numpy.random.default_rng(5)
    for name in ("cat", "Dog", "a b", "\u00e9cureuil"):
        (root / name).mkdir(parents=True)
        for number in range(7):
            pixels = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=numpy.uint8))
            suffix = ("jpg", "png", "JPEG")[number % 3]
            pixels.resize((30 + number, 40), Image.BICUBIC).save(root / name / f"{number}-x.{suffix}", "png" if suffix == "png" else "jpeg")


def main():
    folder = pathlib.Path(sys.argv[1])
    write(folder / "images")
    if "only-write" in sys.argv:
        return
    from torchvision import datasets, transforms
    tree = datasets.ImageFolder(folder / "images", transforms.Resize((16, 24), transforms.InterpolationMode.BILINEAR, antialias=True))
    (folder / "decoded").write_bytes(b"".join(numpy.asarray(image).transpose(2, 0, 1).tobytes() for image, _ in tree))
    (folder / "labels").write_bytes(numpy.array([label for _, label in tree], numpy.int64).tobytes())
    print(*tree.classes, sep=", ")


main()
