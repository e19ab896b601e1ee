"""Parquet files train, with Arrow and LibTorch in one process: the same samples as out of csv, bit for bit; a signal and a resume; damage, and a build without Arrow, end it."""

import signal

import numpy
import pyarrow
import pyarrow.parquet
from harness import SMALL_JOB, TEST_PLUGINS, TestCase, main, tensors

CONFIG = """
max = ["{steps}step"]
plugins = ["fp32", "accum", "{source}", "mlp", "adamw", "constant", "localckpt"]
[data]
threads = {threads}
[{source}]
{keys}
[mlp]
widths = [16]
""" + SMALL_JOB
KEYS = 'files = "{files}"\ncolumns = ["a b c as=x dtype=float32", "label as=y role=target classes=3"]'


class Parquet(TestCase):
    def setUp(self):
        super().setUp()
        random = numpy.random.default_rng(1)
        labels = random.integers(0, 3, 600)
        points = random.normal(size=(3, 3))[labels] * 2 + random.normal(size=(600, 3)) * 0.3
        self.table = pyarrow.table({**{name: points[:, i] for i, name in enumerate("abc")}, "label": labels})
        pyarrow.parquet.write_table(self.table, self.folder / "one.parquet")
        pyarrow.parquet.write_table(self.table, self.folder / "many.parquet", row_group_size=50, compression="zstd", write_page_checksum=True)
        self.write("one.csv", "a,b,c,label\n" + "".join(f"{a!r},{b!r},{c!r},{label}\n" for (a, b, c), label in zip(points.tolist(), labels.tolist())))

    def config(self, name, keys, source="parquet", steps=20, threads=2):
        self.write(f"{name}.toml", CONFIG.format(source=source, keys=keys, steps=steps, threads=threads))

    def train(self, name, keys, **settings):
        self.config(name, keys, **settings)
        self.trainhost("run", f"{name}.toml")
        return self.run_folder(name)

    def test_parquet_and_csv_train_alike(self):
        csv = self.train("csv", 'files = "one.csv"\nfields = ["x float32 a b c", "y int64 label role=target classes=3"]', source="table", threads=1)
        parquet = self.train("parquet", KEYS.format(files="one.parquet"), threads=3)
        self.assertEqual(csv.losses(), parquet.losses())
        self.assertEqual(tensors(csv.newest(), "weights"), tensors(parquet.newest(), "weights"))
        self.assertLess(parquet.losses()[20], parquet.losses()[1] / 1.3)

    def test_a_run_goes_on_bit_for_bit_when_its_file_has_moved(self):
        straight = self.train("straight", KEYS.format(files="many.parquet"))
        self.train("moved", KEYS.format(files="many.parquet"), steps=10)
        (self.folder / "elsewhere").mkdir()
        (self.folder / "many.parquet").rename(self.folder / "elsewhere/many.parquet")
        self.trainhost("run", "moved.toml", "parquet.files=elsewhere/*.parquet", 'max=["20step"]', "data.threads=4")
        self.assertEqual(tensors(straight.newest(), "weights"), tensors(self.run_folder("moved").newest(), "weights"))

    def test_a_signal_finds_the_run_though_arrow_has_threads(self):
        self.config("a", KEYS.format(files="many.parquet"), steps=10_000_000)
        run = self.start("run", "a.toml")
        run.wait_for("step 1/")
        run.signal(signal.SIGTERM)
        self.assertEqual(run.end().code, 75)

    def test_damage_ends_the_run_with_its_place(self):
        path = self.folder / "many.parquet"
        content = bytearray(path.read_bytes())
        content[200] ^= 1
        path.write_bytes(content)
        self.config("a", KEYS.format(files="many.parquet"), steps=1000)
        self.assert_names(self.trainhost("run", "a.toml", code=12).err, "many.parquet: row group 0: ", "CRC checksum")

    def test_a_build_without_arrow_says_what_to_do(self):
        plugin = TEST_PLUGINS / "data_source-parquet_without_arrow.so"
        self.assert_names(self.trainhost("plugins", "info", str(plugin)).out, "built without Arrow C++; run scripts/setup test and build again", "columns")
        self.config("a", KEYS.format(files="many.parquet"))
        result = self.trainhost("run", "a.toml", f'plugins=["fp32", "accum", "{plugin}", "mlp", "adamw", "constant", "localckpt"]', code=12)
        self.assert_names(result.err, "this build has no Arrow C++", "scripts/setup test", "make build")


if __name__ == "__main__":
    main()
