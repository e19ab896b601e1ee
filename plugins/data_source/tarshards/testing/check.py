"""`check.py PROGRAM PLUGIN_FILE`: what `trainhost plugins check` asks of a source, asked of tarshards with shards of images."""
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main():
    program, plugin_file = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, HERE / "write_shards.py", folder, "images"], check=True)
        options = ["--config", HERE.parent / "example.toml", "--reproduce", "1", "--time-limit", "120"]
        sys.exit(subprocess.run([program, "plugins", "check", plugin_file, f"tarshards.files={folder}/images-{{000000..000002}}.tar", *options]).returncode)


main()
