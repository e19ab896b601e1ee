"""python -m trainhost_export: writes, checks and shows bundles."""
import argparse
import importlib
import importlib.util
import pathlib
import sys

from . import ExportError, __version__, check, export, info
from .losses import BY_NAME

_EPILOG = """examples:
  python -m trainhost_export my_module.py:build --out model.thm
  python -m trainhost_export my_module.py:build --out model.thm --loss cross_entropy --metric accuracy --dynamic tokens.1=time:1:64
  python -m trainhost_export --check model.thm
  python -m trainhost_export --info model.thm
"""


def main(arguments=None):
    """Exit status: 0 done, 1 the model or bundle has a fault, 2 usage."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if sum(map(bool, (given.build, given.check, given.info))) != 1:
        parser.error("want one of MODULE:FUNCTION, --check BUNDLE, --info BUNDLE")
    try:
        if given.check:
            print(f"{given.check}: whole, and its graphs compute what the record says, {check(given.check)}")
        elif given.info:
            print(info(given.info))
        else:
            if not given.out:
                parser.error("want --out FILE beside MODULE:FUNCTION")
            _export(given, parser)
    except ExportError as error:
        print(f"trainhost_export: {error}", file=sys.stderr)
        return 1
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="python -m trainhost_export", epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description="Writes a PyTorch model, its loss and its weights into one file that trainhost trains.")
    parser.add_argument("build", nargs="?", metavar="MODULE:FUNCTION",
                        help="a file or module, and a function in it that gives (model, example_batch), or (model, example_batch, options of export())")
    parser.add_argument("--out", metavar="FILE", help="the bundle to write")
    parser.add_argument("--loss", choices=sorted(BY_NAME), help="the loss, for a model whose forward gives predictions")
    parser.add_argument("--target", metavar="FIELD", help="the field with the targets (default: targets)")
    parser.add_argument("--ignore-index", type=int, metavar="N", help="targets that do not count (cross_entropy; default: -100)")
    parser.add_argument("--metric", action="append", metavar="NAME", help="a metric; may be given several times")
    parser.add_argument("--dynamic", action="append", default=[], metavar="FIELD.AXIS=NAME[:MIN:MAX[:MULTIPLE]]",
                        help="a size that may differ from batch to batch")
    parser.add_argument("--static", action="store_true", help="no size may differ, not even the number of samples")
    parser.add_argument("--init", action="append", default=[], metavar="PATTERN=RULE:NUMBERS",
                        help="parameters to draw with the run's seed: 'wte.*=normal:0,0.02'")
    parser.add_argument("--check", metavar="BUNDLE", help="check a bundle against its own record")
    parser.add_argument("--info", metavar="BUNDLE", help="show what a bundle holds")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


def _export(given, parser):
    model, batch, options = _build(given.build)
    if given.loss:
        settings = {"target": given.target, "ignore_index": given.ignore_index}
        try:
            options["loss"] = BY_NAME[given.loss](**{key: value for key, value in settings.items() if value is not None})
        except TypeError:
            parser.error(f"--ignore-index is for cross_entropy, not for {given.loss}")
    elif given.target or given.ignore_index is not None:
        parser.error("--target and --ignore-index want --loss")
    if given.metric:
        options["metrics"] = given.metric
    if given.static or given.dynamic:
        options["dynamic"] = False if given.static else _dynamic(given.dynamic, parser)
    if given.init:
        options["init"] = dict(_rule(text, parser) for text in given.init)
    export(model, batch, given.out, **options)
    print(info(given.out))


def _build(text):
    place, separator, name = text.rpartition(":")
    if not separator:
        raise ExportError(f"{text}: names no function; write {text}:build")
    try:
        if place.endswith(".py"):
            path = pathlib.Path(place).resolve()
            sys.path.insert(0, str(path.parent))
            spec = importlib.util.spec_from_file_location(path.stem, path)
            module = importlib.util.module_from_spec(spec)
            sys.modules[path.stem] = module
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(place)
    except (FileNotFoundError, ModuleNotFoundError) as error:
        raise ExportError(f"{place}: cannot be imported: {error}") from error
    if not hasattr(module, name):
        raise ExportError(f"{place}: has no function {name!r}")
    built = getattr(module, name)()
    if not isinstance(built, tuple) or len(built) not in (2, 3):
        raise ExportError(f"{text}: gave {type(built).__name__}, wanted (model, example_batch) or (model, example_batch, options)")
    return built[0], built[1], dict(built[2]) if len(built) == 3 else {}


def _dynamic(texts, parser):
    out = {}
    for text in texts:
        place, _, rest = text.partition("=")
        field, _, axis = place.rpartition(".")
        name, *numbers = rest.split(":")
        if not field or not axis.isdigit() or not name or not all(number.isdigit() for number in numbers) or len(numbers) > 3:
            parser.error(f"--dynamic {text}: wanted FIELD.AXIS=NAME:MIN:MAX, for example tokens.1=time:1:64")
        out.setdefault(field, {})[int(axis)] = (name, *map(int, numbers))
    return out


def _rule(text, parser):
    pattern, _, rest = text.rpartition("=")
    kind, _, numbers = rest.partition(":")
    try:
        return pattern, (kind, *[float(number) for number in numbers.split(",") if number])
    except ValueError:
        parser.error(f"--init {text}: wanted PATTERN=RULE:NUMBERS, for example 'wte.*=normal:0,0.02'")


if __name__ == "__main__":
    sys.exit(main())
