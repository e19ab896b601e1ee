"""`check.py PROGRAM PLUGIN_FILE`: what `trainhost plugins check` asks of a model, asked of pt2 with bundles.

A graph computes in the format that it was exported in, so the questions that are asked in float64 are asked of twins of the bundles, exported in it."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

TESTING = Path(__file__).resolve().parent
BUNDLES = {"gpt": "tokens.toml", "convolutions": "images.toml"}
IN_FLOAT64 = {"model/gradients", "model/cut_batch_same_sums"}


def answers(program, plugin_file, bundle, fields, *options):
    """Question -> outcome, for those that are for pt2; prints what is not ok."""
    command = [program, "plugins", "check", plugin_file, f"pt2.bundle={bundle}", "--fields", TESTING / fields, "--reproduce", "1", "--time-limit", "120", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if not done.stdout:
        raise SystemExit(f"{command}\n{done.stderr}")
    asked = json.loads(done.stdout)["answers"]
    for answer in asked:
        if answer["outcome"] != "ok":
            print(f"{bundle.name}: {answer['outcome']} {answer['question']}: {answer['reason']}", flush=True)
    return {answer["question"]: answer["outcome"] for answer in asked}


def complaints(program, plugin_file, folder):
    for number, (name, fields) in enumerate(BUNDLES.items()):
        one_kind = [] if number == 0 else ["--in-process", "--only", "model/"]  # what is asked of every kind knows nothing of graphs
        outcomes = answers(program, plugin_file, folder / f"{name}.thm", fields, *one_kind)
        failed = [question for question, outcome in outcomes.items() if outcome == "fail"]
        skipped = {question for question, outcome in outcomes.items() if outcome == "skipped" and question.startswith("model/")}
        if failed or skipped != IN_FLOAT64:
            yield f"{name}: failed {failed}, skipped {sorted(skipped)}; wanted none and {sorted(IN_FLOAT64)}"
        in_float64 = [word for question in sorted(IN_FLOAT64) for word in ("--only", question)]
        twin = answers(program, plugin_file, folder / f"{name}.float64.thm", fields, "--in-process", *in_float64)
        if twin != dict.fromkeys(IN_FLOAT64, "ok"):
            yield f"{name} in float64: {twin}; wanted ok"


def main():
    program, plugin_file = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="trainhost-pt2-check-") as folder:
        names = [name + twin for name in BUNDLES for twin in ("", ".float64")]
        subprocess.run([sys.executable, TESTING / "write_bundles.py", folder, *names], check=True)
        wrong = list(complaints(program, plugin_file, Path(folder)))
    print(*wrong or ["pt2 keeps what a model promises"], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
