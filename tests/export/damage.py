"""Bundles that are cut, changed, of another version, or whose programs are not what they claim to be."""
import json
import shutil
import unittest
import zipfile

import models
from models import trainhost_export
from trainhost_export.archive import Writer


class Damage(models.TestCase):
    def setUp(self):
        super().setUp()
        shutil.copy(models.exported("gpt"), self.path)
        with zipfile.ZipFile(self.path) as file:
            self.members = {name: file.read(name) for name in file.namelist()}
        self.manifest = json.loads(self.members.pop("manifest.json"))

    def write(self, members=None, **changes):
        """The bundle anew, with right hashes of other contents."""
        with Writer(self.path) as file:
            for name, data in {**self.members, **(members or {})}.items():
                file.add(name, [data])
            file.finish({**self.manifest, **changes})

    def refused(self, pattern):
        self.assert_refused(pattern, trainhost_export.check, self.path)

    def test_cut_anywhere(self):
        data = self.path.read_bytes()
        for length in (0, 100, len(data) // 2, len(data) - 1):
            with self.subTest(length=length):
                self.path.write_bytes(data[:length])
                self.refused(r"no whole bundle.*get a whole copy")

    def test_a_byte_changed_in_any_member(self):
        data = self.path.read_bytes()
        with zipfile.ZipFile(self.path) as file:
            begins = {entry.filename: entry.header_offset for entry in file.infolist()}
        for name, content in self.members.items():
            with self.subTest(member=name):
                place = data.index(content, begins[name]) + len(content) // 2
                self.path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1:])
                self.refused(rf"{name} is damaged: its SHA-256")

    def test_packed_again(self):
        with zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in {**self.members, "manifest.json": json.dumps(self.manifest).encode()}.items():
                file.writestr(name, content)
        self.refused(r"is compressed or not aligned")

    def test_a_member_that_is_missing(self):
        del self.members["parity.json"]
        self.write()
        self.refused(r"names no member parity\.json")

    def test_another_version_and_another_file(self):
        self.write(format_version=[2, 0])
        self.refused(r"format version 2, this package reads 1; update trainhost")
        self.write(format="other")
        self.refused(r"is a ZIP file, but no bundle")
        self.path.write_text("text")
        self.refused(r"no whole bundle")
        self.path.unlink()
        self.refused(r"cannot be read: No such file")

    def test_weights_that_do_not_match(self):
        self.manifest["parameters"][0]["shape"] = [1, 2]
        self.write()
        self.refused(r"wte\.weight is torch\.float32 \[40, 32\], the manifest wants float32 \[1, 2\]")

    def test_an_eval_program_in_the_place_of_the_train_program(self):
        self.write({"train/program.json": self.members["eval/program.json"]})
        self.refused(r"gradients differ from the record|computes something else")

    def test_weights_of_another_model(self):
        path, self.path = self.path, self.folder / "other.thm"
        model, batch, options = models.gpt()
        model.wpe.weight.data.mul_(2)
        self.export(model, batch, options)
        with zipfile.ZipFile(self.path) as file:
            weights = file.read("weights.safetensors")
        self.path.unlink()
        self.path = path
        self.write({"weights.safetensors": weights})
        self.refused(r"gradients differ from the record|computes something else")


if __name__ == "__main__":
    unittest.main()
