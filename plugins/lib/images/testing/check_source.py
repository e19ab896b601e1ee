"""What `trainhost plugins check` asks of a source, asked with images that are made for it.

check_source.py PROGRAM PLUGIN_FILE EXAMPLE KEY=PATH SCRIPT [WORDS]   SCRIPT FOLDER WORDS makes them; PATH is below FOLDER
"""
import subprocess
import sys
import tempfile


def main():
    program, plugin_file, example, setting, script, *words = sys.argv[1:]
    key, path = setting.split("=", 1)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, script, folder, *words], check=True)
        options = ["--config", example, "--reproduce", "1", "--time-limit", "120"]
        sys.exit(subprocess.run([program, "plugins", "check", plugin_file, f"{key}={folder}/{path}", *options]).returncode)


main()
