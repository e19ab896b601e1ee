"""Images train out of a folder and out of tar shards: the same samples, bit for bit; a run goes on with moved shards; damaged ones end it with their place."""

import io
import os
import sys
import tarfile

import numpy
from harness import SMALL_JOB, TestCase, main, tensors

sys.path.insert(0, os.environ["TRAINHOST_MODEL_MODULES"])
from PIL import Image

CONFIG = """
max = ["{steps}step"]
plugins = ["fp32", "accum", "{source}", "{model}", "adamw", "constant", "localckpt"]
[data]
threads = {threads}
[{source}]
{keys}
height = 12
width = 14
crop = "random"
crop_area = [0.5, 1]
flip = 0.5
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
[evaluation.same]
every = "10step"
{source}.crop = "center"
{source}.shorter_side = 14
{source}.flip = 0
{more}
""" + SMALL_JOB
MLP = '[model]\nfields = { x = "image", y = "label" }\n[mlp]\nwidths = [16]\n'
FOLDER = 'root = "tree"\nsplit = "all"'
SHARDS = 'files = "shards/*.tar"\nsplit = "all"\nclasses = 3'


def pictures():
    """Class, number, JPEG or PNG bytes: stripes that lie, stripes that stand, and neither."""
    random = numpy.random.default_rng(1)
    for label in range(3):
        for number in range(40):
            pixels = random.integers(60, 120, (20, 24, 3)).astype("uint8")
            if label == 0:
                pixels[random.integers(2)::4] = 230
            elif label == 1:
                pixels[:, random.integers(2)::4] = 230
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "png" if number % 3 else "jpeg")
            yield label, number, file.getvalue()


class Images(TestCase):
    def setUp(self):
        super().setUp()
        for label, number, content in pictures():
            path = self.folder / f"tree/{label}"
            path.mkdir(parents=True, exist_ok=True)
            (path / f"{number:03}.jpg").write_bytes(content)  # the name may be wrong: the bytes say what it is
        (self.folder / "shards").mkdir()
        for label in range(3):
            with tarfile.open(self.folder / f"shards/{label}.tar", "w") as tar:
                for path in sorted((self.folder / f"tree/{label}").iterdir()):
                    for name, data in ((f"{label}/{path.stem}.cls", str(label).encode()), (f"{label}/{path.stem}.jpg", path.read_bytes())):
                        info = tarfile.TarInfo(name)
                        info.size = len(data)
                        tar.addfile(info, io.BytesIO(data))

    def train(self, name, source, keys, model="mlp", more=MLP, steps=20, threads=2):
        self.write(f"{name}.toml", CONFIG.format(source=source, model=model, more=more, steps=steps, keys=keys, threads=threads))
        self.trainhost("run", f"{name}.toml")
        return self.run_folder(name)

    def test_a_folder_and_shards_of_the_same_images_train_alike(self):
        folder, shards = self.train("folder", "imagefolder", FOLDER, threads=1), self.train("shards", "tarshards", SHARDS, threads=3)
        self.assertEqual(folder.losses(), shards.losses())
        self.assertEqual(folder.evaluations(), shards.evaluations())
        self.assertEqual(tensors(folder.newest(), "weights"), tensors(shards.newest(), "weights"))
        self.assertLess(folder.losses()[20], folder.losses()[1] / 1.3)

    def test_a_run_goes_on_when_its_shards_have_moved_bit_for_bit(self):
        straight = self.train("straight", "tarshards", SHARDS)
        self.train("moved", "tarshards", SHARDS, steps=10)
        (self.folder / "shards").rename(self.folder / "elsewhere")
        self.trainhost("run", "moved.toml", "tarshards.files=elsewhere/*.tar", 'max=["20step"]', "data.threads=4")
        self.assertEqual(tensors(straight.newest(), "weights"), tensors(self.run_folder("moved").newest(), "weights"))

    def test_a_run_does_not_go_on_with_other_images(self):
        self.train("a", "imagefolder", FOLDER, steps=10)
        (self.folder / "tree/1/007.jpg").unlink()
        self.assert_names(self.trainhost("run", "a.toml", 'max=["20step"]', code=2).err, "imagefolder")

    def test_residual_networks_take_both(self):
        small = '[resnet]\nstem = "small"\n'
        folder, shards = self.train("a", "imagefolder", FOLDER, "resnet", small, steps=3), self.train("b", "tarshards", SHARDS, "resnet", small, steps=3)
        self.assertEqual(folder.losses(), shards.losses())

    def test_a_damaged_image_ends_the_run_with_its_path(self):
        path = self.folder / "tree/1/007.jpg"
        path.write_bytes(path.read_bytes()[:-30])
        self.write("a.toml", CONFIG.format(source="imagefolder", model="mlp", more=MLP, steps=100, keys=FOLDER, threads=2))
        self.assert_names(self.trainhost("run", "a.toml", code=12).err, "tree/1/007.jpg", "damaged PNG file")

    def test_a_torn_shard_ends_the_run_or_is_used_as_far_as_it_goes(self):
        path = self.folder / "shards/1.tar"
        path.write_bytes(path.read_bytes()[:20000])
        self.write("a.toml", CONFIG.format(source="tarshards", model="mlp", more=MLP, steps=5, keys=SHARDS, threads=2))
        self.assert_names(self.trainhost("run", "a.toml", code=12).err, "shards/1.tar: byte ", "the archive is cut", "on_error")
        result = self.trainhost("run", "a.toml", "+tarshards.on_error=skip")
        self.assert_names(result.err, "1 faults are skipped, the first is shards/1.tar: byte ")


if __name__ == "__main__":
    main()
