"""usage: write_bundles.py FOLDER NAME...   writes FOLDER/NAME.thm for models of models.py; NAME.float64 is the same model in that format."""
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).resolve().parents[4] / "tools/python")]
sys.dont_write_bytecode = True

import models  # noqa: E402
import trainhost_export  # noqa: E402



def in_float64(model, batch):
    return model.double(), {field: values.double() if values.is_floating_point() else values for field, values in batch.items()}


folder = pathlib.Path(sys.argv[1])
for name in sys.argv[2:]:
    model, batch, options = models.MODELS[name.removesuffix(".float64")]()
    if name.endswith(".float64"):
        model, batch = in_float64(model, batch)
    trainhost_export.export(model, batch, str(folder / f"{name}.thm"), **options)
