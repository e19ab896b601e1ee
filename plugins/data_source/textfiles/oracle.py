"""Says independently what data_source/textfiles must deliver; only the standard library. Run by textfiles_test.cpp.

oracle.py ROOT SPLIT HELDOUT_FRACTION CONTEXT STRIDE OUT PATTERN...   writes all windows (context + 1 bytes each) one behind the other to OUT
and prints the first sample of each folder.
"""
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib/files/testing"))
from splits import is_heldout  # noqa: E402  (after its folder is known)


def main():
    root, split, fraction, context, stride, out = sys.argv[1:7]
    root, context, stride = pathlib.Path(root), int(context), int(stride)
    folders = {}
    for path in {p for pattern in sys.argv[7:] for p in root.glob(pattern)}:
        relative = path.relative_to(root)
        if path.is_symlink() or not path.is_file() or any(part.startswith(".") for part in relative.parts):
            continue
        if any(parent.is_symlink() for parent in path.parents if parent != root and root in parent.parents):
            continue
        folders.setdefault(str(relative.parent), []).append((relative.as_posix().encode(), path))
    starts, samples = [], 0
    with open(out, "wb") as windows:
        for folder in sorted(folders, key=str.encode):
            if split != "all" and is_heldout(folder, float(fraction)) != (split == "heldout"):
                continue
            text = b"".join(path.read_bytes() + b"\0" for _, path in sorted(folders[folder]) if path.stat().st_size > 0)
            pieces = [text[k : k + context + 1] for k in range(0, len(text) - context, stride)]
            if not pieces:
                continue
            starts.append(samples)
            samples += len(pieces)
            windows.writelines(pieces)
    print(*starts)


main()
