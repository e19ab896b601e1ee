"""The bundle's ZIP file: members stored as they are, their bytes at multiples of 64."""
import hashlib
import json
import mmap
import os
import struct
import zipfile

from .errors import ExportError

ALIGNMENT = 64
MANIFEST = "manifest.json"
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the same model gives the same bytes
_LOCAL_HEADER_BYTES = 30
_ZIP64_EXTRA_BYTES = 20
_PADDING_ID = 0x4246


class Writer:
    """Writes members one after the other, and last the manifest with their hashes. The file appears under its name when it is whole."""

    def __init__(self, path):
        self._path, self._part = os.fspath(path), os.fspath(path) + ".part"
        self._members = {}

    def __enter__(self):
        self._zip = zipfile.ZipFile(self._part, "w", zipfile.ZIP_STORED)
        return self

    def __exit__(self, kind, *_):
        self._zip.close()
        if kind is None:
            os.replace(self._part, self._path)
        else:
            os.unlink(self._part)

    def add(self, name, pieces):
        """Writes one member out of pieces of bytes."""
        digest, size = hashlib.sha256(), 0
        with self._zip.open(self._entry(name), "w", force_zip64=True) as file:
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                file.write(piece)
        self._members[name] = {"bytes": size, "sha256": digest.hexdigest()}

    def add_json(self, name, value):
        self.add(name, [json.dumps(value, ensure_ascii=False, allow_nan=False).encode()])

    def finish(self, manifest):
        text = json.dumps({**manifest, "members": self._members}, indent=1, ensure_ascii=False, allow_nan=False)
        with self._zip.open(self._entry(MANIFEST), "w", force_zip64=True) as file:
            file.write(text.encode())

    def _entry(self, name):
        entry = zipfile.ZipInfo(name, _FIXED_DATE)
        entry.external_attr = 0o644 << 16
        begin = self._zip.fp.tell() + _LOCAL_HEADER_BYTES + len(name) + _ZIP64_EXTRA_BYTES + 4
        padding = -begin % ALIGNMENT
        entry.extra = struct.pack("<HH", _PADDING_ID, padding) + bytes(padding)
        return entry


class Reader:
    """Maps a bundle, and checks sizes and hashes of its members before it hands them out."""

    def __init__(self, path):
        self.path = os.fspath(path)
        try:
            with open(path, "rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            self._zip = zipfile.ZipFile(path)
            self.manifest = json.loads(self._zip.read(MANIFEST))
        except OSError as error:
            raise ExportError(f"{path}: cannot be read: {error.strerror}") from error
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise ExportError(f"{path}: is no whole bundle ({error}); get a whole copy, or export the model again") from error
        self._check_version()

    def member(self, name):
        """The bytes of a member, in place. Raises ExportError when they are not those that the manifest names."""
        wanted = self.manifest["members"].get(name)
        if wanted is None:
            raise ExportError(f"{self.path}: the manifest names no member {name}; export the model again")
        data = self._place(name)
        if len(data) != wanted["bytes"]:
            raise ExportError(f"{self.path}: {name} has {len(data)} bytes, the manifest wants {wanted['bytes']}; get a whole copy")
        if hashlib.sha256(data).hexdigest() != wanted["sha256"]:
            raise ExportError(f"{self.path}: {name} is damaged: its SHA-256 is not that of the manifest; get a whole copy")
        return data

    def json(self, name):
        return json.loads(bytes(self.member(name)))

    def _place(self, name):
        try:
            entry = self._zip.getinfo(name)
        except KeyError:
            raise ExportError(f"{self.path}: has no member {name}; get a whole copy") from None
        name_bytes, extra_bytes = struct.unpack_from("<HH", self._map, entry.header_offset + 26)
        begin = entry.header_offset + _LOCAL_HEADER_BYTES + name_bytes + extra_bytes
        if entry.compress_type != zipfile.ZIP_STORED or begin % ALIGNMENT:
            raise ExportError(f"{self.path}: {name} is compressed or not aligned; a bundle cannot be packed again, export the model again")
        return memoryview(self._map)[begin:begin + entry.file_size]

    def _check_version(self):
        if self.manifest.get("format") != "trainhost.bundle":
            raise ExportError(f"{self.path}: is a ZIP file, but no bundle: manifest.json has no \"format\": \"trainhost.bundle\"")
        major = self.manifest["format_version"][0]
        if major != 1:
            raise ExportError(f"{self.path}: has format version {major}, this package reads 1; {'update trainhost' if major > 1 else 'export the model again'}")
