"""export(): checks a model, traces both modes, compares them with eager, and writes the bundle."""
import contextlib
import inspect
import os

import torch

from . import archive, dtypes, fields, initial, parity, program, tensor_file, trace
from .adapter import PREFIX, Adapter, batch_of
from .dimensions import Dimensions
from .errors import ExportError, listing
from .state import State, layout
from .version import VERSION


MODES = ("train", "eval")


def export(model, example_batch, path, *, loss=None, metrics=None, dynamic=None, init=None, fields=None, seed=0, steps=3, rate=0.01):
    """Writes a bundle and returns its manifest. The model is left as it was. Raises ExportError; then no file is written.

    model: nn.Module on the CPU. Without `loss` its forward takes the fields by name and gives (loss_sum, count, metric sums...): the loss summed over the
      targets that count, their number, and one sum for each name in `metrics`.
    example_batch: {field: tensor}, or tensors in the order of forward's arguments; the first axis counts the samples, at least 2 of them.
    loss: "cross_entropy", "mse", "bce", or a CrossEntropy, MeanSquaredError or BinaryCrossEntropy; the model's forward then gives the prediction.
    metrics: names; with `loss` those that the loss knows, or {name: function of (prediction, target) that gives a sum}.
    dynamic: {"tokens": {1: ("time", 1, 64)}}: sizes that may differ from batch to batch, besides the number of samples. False: none, not even that.
    init: {"wte.*": ("normal", 0.0, 0.02)}: parameters that a run draws with its seed, instead of the model's values.
    fields: {"tokens": {"num_classes": 256, "pad_value": None, "role": "input"}}: what cannot be seen in the graph.
    seed, steps, rate: of the parity record."""
    batch = batch_of(model, example_batch)
    adapter = Adapter(model, [name for name, _ in batch], loss, metrics)
    state = State(model, adapter.metric_names)
    rules = initial.rules_of(init, list(state.parameters))
    dimensions = Dimensions(batch, dynamic)
    with _modes_restored(model), state.placed(), state.restored_afterwards() as put_back:
        def reset():
            put_back()
            for name, rule in rules.items():
                initial.draw(rule, name, seed, state.parameters[name])

        reset()
        exported = _Exported(model, adapter, state, batch, dimensions, reset)
        record = exported.check(parity.Recorder(state, seed, steps, rate))
        manifest = exported.manifest(rules, fields)
        exported.write(path, manifest, record, rules)
    return manifest


class _Exported:
    """Both programs of a model, and what is found out about them."""

    def __init__(self, model, adapter, state, batch, dimensions, reset):
        self._model, self._adapter, self._state, self._batch, self._dimensions, self._reset = model, adapter, state, batch, dimensions, reset
        self._tensors = [tensor for _, tensor in batch]
        self._mutated = set()
        self._try_eager()
        self._programs = {}
        for mode in MODES:
            model.train(mode == "train")
            self._programs[mode] = trace.trace(adapter, self._tensors, dimensions, mode)
        self._check_constants()
        self._runners = {mode: program.Runner.of_program(self._programs[mode], self._all_tensors()) for mode in MODES}

    def check(self, recorder):
        """The eager record; raises ExportError where the graphs compute something else."""
        eager = recorder.record(self._eager, self._eager, self._model.train)
        self._reset()
        try:
            graph = recorder.record(lambda: self._runners["train"](self._tensors), lambda: self._runners["eval"](self._tensors))
        except RuntimeError as error:
            raise ExportError(f"the exported graph cannot be trained, though the model can: {str(error).splitlines()[0]}\n"
                              "  torch.export loses torch.no_grad() inside of torch.autocast(); write .detach() there instead") from error
        self._reset()
        self._check_constants_stay()
        try:
            parity.check_close(eager, graph)
        except parity.GradientsDiffer as error:
            raise ExportError(self._lost_gradients(error.names)) from None
        last = eager[0]["steps"][-1]["buffers"]
        self._mutated |= {name for name, digest in last.items() if digest != eager[0]["initial"]["buffers"][name]}
        self._check_ranges()
        eager[0]["graph_is_bit_identical"] = parity.is_bit_identical(*[(dict(one[0], graph_is_bit_identical=None), one[1]) for one in (eager, graph)])
        return eager

    def manifest(self, rules, overrides):
        train, state = self._programs["train"], self._state
        head = fields.head_of(train)
        if head:
            head = head.removeprefix("model.")
            state.tags[state.tied_parameters.get(head, head)].add("head")
        return {
            "format": "trainhost.bundle", "format_version": [1, 0], "exporter_version": VERSION, "torch_version": torch.__version__,
            "schema_version": list(program.SCHEMA_VERSION), "model": f"{type(self._model).__module__}.{type(self._model).__qualname__}",
            "sample_dimension": self._dimensions.sample_dimension, "dimensions": self._dimensions.manifest(),
            "fields": fields.manifest_fields(train, self._batch, self._dimensions, overrides),
            "metrics": [{"name": name, "reduce": "sum_over_count"} for name in state.metric_names],
            "parameters": self._entries(self._model.named_parameters(remove_duplicate=False), lambda name, parameter: {
                "frozen": not parameter.requires_grad, "tags": sorted(state.tags[name]), "initial": rules.get(name)}),
            "buffers": self._entries(self._model.named_buffers(remove_duplicate=False), lambda name, _: {
                "persistent": name in state.persistent, "mutated": name in self._mutated}),
            "custom_operators": sorted({name for one in self._programs.values() for name in trace.custom_operators(one)}),
        }

    def write(self, path, manifest, record, rules):
        state = self._state
        with archive.Writer(path) as file:
            for mode in MODES:
                file.add(f"{mode}/program.json", [program.to_json(self._programs[mode])])
                file.add(f"{mode}/constants.safetensors", tensor_file.pieces(program.constants_of(self._programs[mode])))
            persistent = {name: tensor for name, tensor in state.buffers.items() if name in state.persistent}
            weights = {name: tensor for name, tensor in state.parameters.items() if name not in rules}
            file.add("weights.safetensors", tensor_file.pieces({**weights, **persistent}))
            file.add("buffers.safetensors", tensor_file.pieces({name: tensor for name, tensor in state.buffers.items() if name not in state.persistent}))
            file.add_json("parity.json", record[0])
            file.add("parity.safetensors", tensor_file.pieces({**{f"batch/{name}": tensor for name, tensor in self._batch}, **record[1]}))
            file.finish(manifest)

    def _eager(self):
        return self._adapter(*self._tensors)

    def _all_tensors(self):
        state = self._state
        tensors = state.tensors()
        return {**tensors, **{name: tensors[first] for name, first in {**state.tied_parameters, **state.tied_buffers}.items()}}

    def _try_eager(self):
        """The model as it is, before any tracing."""
        for mode in MODES:
            self._model.train(mode == "train")
            try:
                with torch.set_grad_enabled(mode == "train"):
                    output = self._eager()
            except ExportError:
                raise
            except Exception as error:
                where = "train mode" if mode == "train" else "eval mode, without gradients"
                raise ExportError(f"the model itself fails on the example batch, in {where}: {type(error).__name__}: {error}") from error
            if mode == "train" and not output[0].requires_grad:
                raise ExportError(f"{type(self._model).__name__}: loss_sum does not depend on any parameter; "
                                  "look for detach(), torch.no_grad() or .data in forward")
        self._reset()

    def _constants(self):
        """Pairs (name, tensor): tensors that the model holds without having registered them."""
        return [pair for one in self._programs.values() for pair in program.constants_of(one).items()]

    def _check_constants(self):
        self._hashes = [parity.sha256(tensor) for _, tensor in self._constants()]
        for name, tensor in self._constants():
            owner = self._state.owner_of_memory(tensor)
            if owner:
                raise ExportError(f"the model holds a tensor {_own_name(name)} that is no parameter or buffer, but shares memory with {owner}, and would not follow it in "
                                  "training; compute it in forward, or clone() it")

    def _check_constants_stay(self):
        for (name, tensor), before in zip(self._constants(), self._hashes):
            if parity.sha256(tensor) != before:
                raise ExportError(f"the model changes a tensor {_own_name(name)} that is no buffer, so no checkpoint would hold it; use register_buffer")

    def _lost_gradients(self, names):
        functions = _custom_functions(self._eager)
        self._reset()
        cause = (f"the model uses torch.autograd.Function {listing(functions)}, whose backward a graph does not hold; "
                 "write it with differentiable torch operators, or register an operator with torch.library and register_autograd" if functions else
                 "look for hooks on modules or tensors (register_hook, register_full_backward_hook), which a graph does not hold, and write them into forward")
        return f"the exported graph loses or changes the gradient of {listing(names)}; {cause}"

    def _check_ranges(self):
        """Tries both programs at the ends of the ranges: a graph may hold a size that torch did not notice."""
        sizes = self._dimensions.example_sizes()
        for name, dimension in self._dimensions.by_name.items():
            for size in sorted({dimension.smallest(), dimension.max or 2 * sizes[name] + dimension.multiple_of}):
                size -= size % dimension.multiple_of
                problem = self._try_size({**sizes, name: size})
                if problem and dimension.min is None and size == 1:
                    problem = self._try_size({**sizes, name: 2})  # batch norm wants two values, for example
                    dimension.min = 2
                if problem:
                    raise ExportError(f"dimension {name!r} (fields {listing(self._dimensions.fields_with(name))}): the model was exported with {sizes[name]}, "
                                      f"but with {size} {problem}; narrow its range in dynamic" + (", or pass dynamic=False" if name == "batch" else ""))

    def _try_size(self, sizes):
        """Words for what goes wrong at these sizes, or None."""
        tensors = self._dimensions.batch_of_size(sizes)
        for mode in MODES:
            outputs = []
            for run in (lambda: self._adapter(*tensors), lambda: self._runners[mode](tensors)):
                self._model.train(mode == "train")
                torch.manual_seed(0)
                try:
                    with torch.set_grad_enabled(mode == "train"), parity.one_thread():
                        outputs.append(torch.stack([value.detach().double() for value in run()]))
                except Exception as error:
                    return f"{'the graph' if outputs else 'the model itself'} fails in {mode} mode: {str(error).splitlines()[0]}"
                finally:
                    self._reset()
            if not torch.allclose(*outputs, rtol=1e-4, equal_nan=True):
                return f"the graph gives {outputs[1].tolist()} and the model {outputs[0].tolist()} in {mode} mode"
        return None

    def _entries(self, named, facts):
        ties = {**self._state.tied_parameters, **self._state.tied_buffers}
        return [{"name": name, "tied_to": ties[name]} if name in ties else
                {"name": name, "dtype": dtypes.name_of(tensor.dtype), "shape": list(tensor.shape), **layout(tensor), **facts(name, tensor)}
                for name, tensor in named]


def _own_name(constant):
    """As the user calls it; torch calls tensors that forward makes lifted_tensor_0."""
    return repr(constant.removeprefix(PREFIX))


def _custom_functions(run):
    """Names and places of the autograd.Functions that a call uses."""
    found, original = {}, torch.autograd.Function.apply.__func__

    def apply(cls, *arguments, **options):
        with contextlib.suppress(OSError, TypeError):
            found[cls.__name__] = f"{cls.__name__} ({os.path.basename(inspect.getsourcefile(cls))}:{inspect.getsourcelines(cls)[1]})"
        found.setdefault(cls.__name__, cls.__name__)
        return original(cls, *arguments, **options)

    torch.autograd.Function.apply = classmethod(apply)
    try:
        run()
    finally:
        torch.autograd.Function.apply = classmethod(original)
    return list(found.values())


@contextlib.contextmanager
def _modes_restored(model):
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, is_training in modes:
            module.training = is_training
