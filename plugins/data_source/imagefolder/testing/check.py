"""`check.py PROGRAM PLUGIN_FILE`: what `trainhost plugins check` asks of a source, asked of imagefolder with a tree of images."""
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main():
    program, plugin_file = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, HERE / "oracle.py", folder, "only-write"], check=True)
        options = ["--config", HERE.parent / "example.toml", "--reproduce", "1", "--time-limit", "120"]
        sys.exit(subprocess.run([program, "plugins", "check", plugin_file, f"imagefolder.root={folder}/images", *options]).returncode)


main()
