"""Data in a bucket: a run that began with files goes on with s3:// bit for bit; a store that goes away, and an object that changes, end a run with their words."""

import io
import signal
import struct
import tarfile
import zlib

import numpy
import pyarrow
import pyarrow.parquet
from harness import SMALL_JOB, main, tensors
from stores import BucketTestCase, FaultServer, MotoTestCase

CONFIG = """
max = ["{steps}step"]
plugins = ["fp32", "accum", "{source}", "{model}", "adamw", "constant", "localckpt"]
[data]
threads = 2
{more}
[{source}]
heldout_fraction = 0.25
{keys}
[evaluation.heldout]
every = "10step"
{source}.split = "heldout"
""" + SMALL_JOB
MLP = "[mlp]\nwidths = [16]"
GPT = "[gpt]\nlayers = 1\nheads = 2\nwidth = 16"

# Source -> model, its table, the source's keys, and what names its files in a PLACE.
SOURCES = {
    "tarshards": ("mlp", MLP, 'fields = ["x npy npy", "y class cls classes=3"]', "tarshards.files=PLACE/x-{000..003}.tar"),
    "parquet": ("mlp", MLP, 'columns = ["a b c as=x dtype=float32", "label as=y role=target classes=3"]', "parquet.files=PLACE/*.parquet"),
    "tokens": ("gpt", GPT, 'dtype = "uint16"\nvocabulary = 32\ncontext_length = 16', "tokens.files=PLACE/x-?.bin"),
    "table": ("mlp", MLP, 'fields = ["x float32 a b c", "y int64 label role=target classes=3"]', "table.files=PLACE/**/*.csv"),
    "imagefolder": ("mlp", '[model]\nfields = { x = "image", y = "label" }\n' + MLP, "height = 6\nwidth = 6\ncrop = \"random\"\nflip = 0.5", "imagefolder.root=PLACE/tree"),
    "arrays": ("mlp", MLP, "", 'arrays.fields=["x PLACE/x-*.npy", "y PLACE/y-*.npy role=target classes=3"]'),
}


def points(count, seed):
    random = numpy.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    return (numpy.eye(3)[labels] * 2 + random.normal(size=(count, 3)) * 0.3).astype("float32"), labels


def png(pixels):
    """A PNG file of grey pixels."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def write_data(folder):
    """The same kind of data for each source."""
    folder.mkdir()
    for shard in range(4):
        values, labels = points(60, shard)
        with tarfile.open(folder / f"x-{shard:03}.tar", "w") as tar:
            for number, (value, label) in enumerate(zip(values, labels)):
                array = io.BytesIO()
                numpy.save(array, value)
                for extension, content in (("npy", array.getvalue()), ("cls", str(label).encode())):
                    member = tarfile.TarInfo(f"{shard}_{number:03}.{extension}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
        table = pyarrow.table({**{name: values[:, i] for i, name in enumerate("abc")}, "label": labels})
        pyarrow.parquet.write_table(table, folder / f"x-{shard}.parquet", row_group_size=20)
        (folder / f"x-{shard}.csv").write_text("a,b,c,label\n" + "".join(f"{a!r},{b!r},{c!r},{label}\n" for (a, b, c), label in zip(values.tolist(), labels)))
        for number in range(30):
            path = folder / "tree" / ("a", "a-b", "c")[number % 3] / f"deep{number % 2}" / f"{shard}_{number}.png"  # "a-b/" stands before "a/", though not as names of folders
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(numpy.random.default_rng(number).integers(0, 80, (8, 9)).astype("uint8") + 80 * (number % 3)))
        numpy.save(folder / f"x-{shard}.npy", values)
        numpy.save(folder / f"y-{shard}.npy", labels)
        numpy.random.default_rng(shard).integers(0, 31, 100_000).astype("uint16").tofile(folder / f"x-{shard}.bin")


def files_below(folder):
    return [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]


class DataTestCase(BucketTestCase):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"
        write_data(self.data)

    def config(self, source, steps=20):
        model, more, keys, self.files = SOURCES[source]
        self.write(f"{source}.toml", CONFIG.format(source=source, model=model, more=more, keys=keys, steps=steps))
        return f"{source}.toml"

    def in_place(self, place):
        return self.files.replace("PLACE", place)


class MovedIntoABucket(DataTestCase, MotoTestCase):
    def go_on_in_the_bucket(self, source):
        config = self.config(source)
        self.trainhost("run", config, self.in_place("data"), "--name", "straight")
        self.trainhost("run", config, self.in_place("data"), "--name", "moved", 'max=["10step"]')
        prefix = f"{source}/deep/er"
        for name in files_below(self.data):
            self.s3.upload_file(str(self.data / name), "bucket", f"{prefix}/{name}")
        self.data.rename(self.folder / "gone")
        self.trainhost("run", config, self.in_place(f"s3://bucket/{prefix}"), "--name", "moved", 'max=["20step"]')
        straight, moved = self.run_folder("straight"), self.run_folder("moved")
        self.assertEqual(moved.events("restored")[0]["step"], 10)
        self.assertEqual(straight.losses(), moved.losses())
        self.assertEqual(straight.evaluations(), moved.evaluations())
        for part in ("weights", "optimizer"):
            self.assertEqual(tensors(straight.newest(), part), tensors(moved.newest(), part))
        self.assertNotIn(self.moto.secret_key, "".join(path.read_text(errors="replace") for path in self.folder.rglob("*.*") if path.suffix in (".log", ".jsonl", ".toml", ".json")))

    def test_tarshards(self):
        self.go_on_in_the_bucket("tarshards")

    def test_parquet(self):
        self.go_on_in_the_bucket("parquet")

    def test_tokens(self):
        self.go_on_in_the_bucket("tokens")

    def test_table(self):
        self.go_on_in_the_bucket("table")

    def test_arrays(self):
        self.go_on_in_the_bucket("arrays")

    def test_imagefolder(self):
        self.go_on_in_the_bucket("imagefolder")


class FailingStore(DataTestCase):
    def setUp(self):
        super().setUp()
        self.store = self.enterContext(FaultServer())
        self.use(self.store.url, "TESTKEY", "test/secret+key")
        for name in files_below(self.data):
            self.store.ask(f"load data/{name} {self.data / name}")

    def options(self, source, *more):
        config = self.config(source, steps=100_000)
        return ("run", config, self.in_place("s3://bucket/data"), *more)

    def test_a_store_that_goes_away_ends_the_run_with_12_and_a_checkpoint(self):
        for source in SOURCES:
            with self.subTest(source):
                process = self.start(*self.options(source, f'{source}.cache_limit="0"', "parquet.cache_mib=1" if source == "parquet" else "data.threads=2"))
                self.assertTrue(process.wait_for("evaluation heldout at step 10:"), "".join(process.lines))
                self.store.ask("fault 999999 status=503,SlowDown ^GET ")
                result = process.end()
                self.store.ask("forget")
                self.assertEqual(result.code, 12, result.err)
                self.assert_names(result.err, "s3://bucket/data/", "503", "SlowDown", "UNAVAILABLE")
                self.assertNotIn("secret+key", result.err)
                run = self.run_folder(source)
                self.assertEqual(run.events("run_end")[-1]["exit_code"], 12)
                saved = int(run.newest().name.split("-")[1])
                self.assertGreaterEqual(saved, 10)
                self.trainhost(*self.options(source, f'max=["{saved + 5}step"]'))
                self.assertEqual(self.run_folder(source).events("restored")[-1]["step"], saved)

    def test_an_object_that_is_replaced_ends_the_run_with_12(self):
        process = self.start(*self.options("tarshards", 'tarshards.cache_limit="0"'))
        self.assertTrue(process.wait_for("evaluation heldout at step 10:"))
        other = self.data / "x-003.tar"
        self.store.ask(f"load data/x-001.tar {other}")
        result = process.end()
        self.assertEqual(result.code, 12, result.err)
        self.assert_names(result.err, "s3://bucket/data/x-001.tar", "changed since the run began", "ETag")

    def test_a_store_that_ails_is_not_noticed(self):
        self.trainhost(*self.options("tarshards", 'max=["20step"]', "--name", "well"))
        for fault in ("3 status=503,SlowDown x-001", "2 reset x-002", "2 cut ^GET .*x-003", "1 status=503,SlowDown,1 ^GET .*list-type"):
            self.store.ask(f"fault {fault}")
        self.trainhost(*self.options("tarshards", 'max=["20step"]', "--name", "ill", "tarshards.cache_dir=elsewhere"))
        self.assertEqual(self.run_folder("well").losses(), self.run_folder("ill").losses())

    def test_a_second_run_fetches_nothing(self):
        self.trainhost(*self.options("parquet", 'max=["5step"]', "--name", "first"))
        served = int(self.store.ask("served"))
        self.assertLessEqual(served, sum(path.stat().st_size for path in self.data.glob("*.parquet")))
        self.trainhost(*self.options("parquet", 'max=["5step"]', "--name", "second"))
        self.assertEqual(int(self.store.ask("served")), served)

    def test_a_cache_that_cannot_be_written_is_gone_without(self):
        self.trainhost(*self.options("tarshards", 'max=["5step"]', "--name", "kept"))
        result = self.trainhost(*self.options("tarshards", 'max=["5step"]', "--name", "not_kept", "tarshards.cache_dir=tarshards.toml/below"))
        self.assertEqual(result.err.count("objects are not kept any more"), 2, "once for each data set")
        self.assertEqual(self.run_folder("kept").losses(), self.run_folder("not_kept").losses())

    def test_a_run_that_was_killed_while_it_fetched_hinders_nobody(self):
        for path in self.data.glob("x-*.bin"):
            numpy.random.default_rng(7).integers(0, 31, 6_000_000).astype("uint16").tofile(path)
            self.store.ask(f"load data/{path.name} {path}")
        options = self.options("tokens", 'max=["5step"]')
        self.store.ask("fault 3 slow=5 ^GET .*x-1.bin")
        process = self.start(*options, "--name", "killed")
        while self.store.ask("count ^GET .*x-1.bin") == "0":
            self.assertIsNone(process.popen.poll())
        process.signal(signal.SIGKILL)
        process.end()
        self.store.ask("forget")
        self.trainhost(*options, "--name", "killed")
        left = [path for path in (self.folder / "cache/objects").rglob("*") if path.name.startswith(".")]
        self.assertLessEqual(len(left), 8, "one for each thread that was writing")

    def test_mistakes_are_refused_before_training(self):
        for files, code, words in (("s3://bucket/none/*.tar", 12, ("tarshards.files", "matches no object")), ("s3://bucket", 12, ("s3://BUCKET/KEY",))):
            config = self.config("tarshards")
            self.assert_names(self.trainhost("run", config, f"tarshards.files={files}", code=code).err, *words)
        result = self.trainhost("run", config, "tarshards.files=s3://bucket/data/*.tar", code=12, AWS_SECRET_ACCESS_KEY="hunter2")
        self.assert_names(result.err, "SignatureDoesNotMatch")
        self.assertNotIn("hunter2", result.err)
        self.assert_names(self.trainhost("run", config, "tarshards.files=data/*.tar", "tarshards.cache_limit=10gb", code=2).err, "tarshards.cache_limit", "10GB")


if __name__ == "__main__":
    main()
