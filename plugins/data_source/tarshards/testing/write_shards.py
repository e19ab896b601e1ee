"""Writes tar archives for tests, and says what the package webdataset reads out of them.

write_shards.py FOLDER dialects          one archive for each dialect of Python's tarfile, with names and sizes that need it: FOLDER/DIALECT.tar
write_shards.py FOLDER images            FOLDER/images-000000.tar .. images-000002.tar: photographs with classes, and a text
write_shards.py FOLDER read SHARD...     writes all members of all samples to FOLDER/read: "KEY EXTENSION SIZE\\n", then the content
write_shards.py FOLDER decoded SHARD...  writes for each sample the image as torchvision resizes it and its class: FOLDER/decoded, FOLDER/classes
write_shards.py FOLDER arrays SHARD...   writes the elements of the samples' arrays: FOLDER/arrays
write_shards.py FOLDER zstd FILE OUT BYTES   compresses in Zstandard's seekable format, frames of BYTES
write_shards.py FOLDER dali SHARD OUT VERSION   writes an index in DALI's format
"""
import io
import os
import pathlib
import sys
import tarfile

import numpy


def member(name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return info, io.BytesIO(data)


def dialects(folder):
    random = numpy.random.default_rng(2)
    for dialect, kind in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
        with tarfile.open(folder / f"{dialect}.tar", "w", format=kind) as tar:
            for number in range(60):
                deep = "d" * 40 + "/" + "e" * 50 + "/" if number % 3 == 0 else "some.dir/"
                stem = "n" * (10 if dialect == "ustar" else 10 + 4 * number)  # names above 100 bytes, in the dialects that have them
                unicode_part = "\u00e9" if dialect == "pax" else "e"
                for extension in ("CLS", "Seg.Png", "txt"):
                    data = random.bytes(int(random.integers(0, 3000)) if number % 5 else 512 * (number % 4))
                    tar.addfile(*member(f"{deep}{unicode_part}{stem}_{number}.{extension}", data))
                if number % 10 == 0:
                    folder_entry = tarfile.TarInfo(f"folder_{number}.x")
                    folder_entry.type = tarfile.DIRTYPE
                    tar.addfile(folder_entry)
                    link = tarfile.TarInfo(f"link_{number}.x")
                    link.type, link.linkname = tarfile.SYMTYPE, "l" * (150 if dialect != "ustar" else 20)
                    tar.addfile(link)
            tar.addfile(*member("__meta__/x.json", b"{}"))
            tar.addfile(*member("no_extension", b"nothing"))


def images(folder):
    sys.path.insert(0, os.environ["TRAINHOST_MODEL_MODULES"])
    from PIL import Image
    random = numpy.random.default_rng(3)
    for shard in range(3):
        with tarfile.open(folder / f"images-{shard:06}.tar", "w") as tar:
            for number in range(12):
                key = f"sample_{shard}_{number:03}"
                small = Image.fromarray(random.integers(0, 256, (5, 7, 3), dtype=numpy.uint8))
                picture = small.resize((40 + number, 30 + shard), Image.BICUBIC)
                file = io.BytesIO()
                kind = ("jpeg", "png", "jpeg")[number % 3]
                picture.save(file, kind)
                label = int(random.integers(0, 10))
                tar.addfile(*member(f"{key}.cls", f"{label}\n".encode()))
                tar.addfile(*member(f"{key}.{('jpg', 'png', 'jpeg')[number % 3]}", file.getvalue()))
                tar.addfile(*member(f"{key}.json", f'{{"info": {{"quality": {number / 8}, "label": {label}}}}}'.encode()))
                tar.addfile(*member(f"{key}.txt", ("word " * number).encode()))
                for extension, array in (("npy", random.normal(size=(3, 4)).astype("float32")), ("label.npy", numpy.int16(label))):
                    file = io.BytesIO()
                    numpy.save(file, array)
                    tar.addfile(*member(f"{key}.{extension}", file.getvalue()))


def samples(shards):
    import webdataset
    yield from webdataset.WebDataset([str(shard) for shard in shards], shardshuffle=False, empty_check=False)


def read(folder, shards):
    with open(folder / "read", "wb") as out:
        for sample in samples(shards):
            for extension, data in sample.items():
                if not extension.startswith("__"):
                    out.write(f"{sample['__key__']} {extension} {len(data)}\n".encode() + data)


def decoded(folder, shards):
    sys.path.insert(0, os.environ["TRAINHOST_MODEL_MODULES"])
    from PIL import Image
    tensors, classes = b"", b""
    for sample in samples(shards):
        data = next(sample[extension] for extension in ("jpg", "jpeg", "png") if extension in sample)
        picture = Image.open(io.BytesIO(data)).convert("RGB").resize((24, 16), Image.BILINEAR)
        tensors += numpy.asarray(picture).transpose(2, 0, 1).tobytes()
        classes += numpy.int64(int(sample["cls"])).tobytes()
    (folder / "decoded").write_bytes(tensors)
    (folder / "classes").write_bytes(classes)


def arrays(folder, shards):
    (folder / "arrays").write_bytes(b"".join(numpy.load(io.BytesIO(sample["npy"])).tobytes() for sample in samples(shards)))


def dali(shard, out, version):
    lines, last = [], None
    with tarfile.open(shard) as tar:
        for info in tar:
            if not info.isfile() or "." not in info.name:
                continue
            key, extension = info.name.split(".", 1)
            entry = f"{extension} {info.offset_data} {info.size}" + (f" {info.name}" if version == "v1.2" else "")
            if key == last:
                lines[-1] += " " + entry
            else:
                lines.append(entry)
            last = key
    pathlib.Path(out).write_text(f"{version} {len(lines)}\n" + "\n".join(lines) + "\n")


def zstd(path, out, frame_bytes):
    import pyzstd
    with pyzstd.SeekableZstdFile(out, "w", level_or_option={pyzstd.CParameter.checksumFlag: 1}, max_frame_content_size=int(frame_bytes)) as file:
        file.write(pathlib.Path(path).read_bytes())


def main():
    folder = pathlib.Path(sys.argv[1])
    what, arguments = sys.argv[2], sys.argv[3:]
    if what in ("dali", "zstd"):
        return {"dali": dali, "zstd": zstd}[what](*arguments)
    if arguments:
        return {"read": read, "decoded": decoded, "arrays": arrays}[what](folder, arguments)
    return {"dialects": dialects, "images": images}[what](folder)


main()
