"""The parity record: what PyTorch computes in a few steps of plain SGD, so that others can compare. docs/bundle.md says how the steps are made."""
import contextlib
import hashlib
import platform

import torch

from .errors import ExportError, listing
from .tensor_file import raw_bytes

SAMPLE = 32
CLOSE = 1e-4  # of a tensor's norm: kernels that are not repeatable differ in the last bits, and three steps carry that on
NOISE = 1e-7  # of the norm over all parameters


def sha256(tensor):
    return hashlib.sha256(raw_bytes(tensor)).hexdigest()


def environment():
    return {"torch_version": torch.__version__, "cpu_capability": torch.backends.cpu.get_cpu_capability(), "machine": platform.machine(),
            "default_dtype": str(torch.get_default_dtype()).removeprefix("torch.")}


@contextlib.contextmanager
def one_thread():
    """Sums depend on how they are cut among threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Recorder:
    """Makes the steps with any pair of functions that compute on the same parameters and buffers."""

    def __init__(self, state, seed, num_steps, rate):
        self._state, self._seed, self._num_steps, self._rate = state, seed, num_steps, rate

    def record(self, train, evaluate, set_mode=lambda is_training: None):
        """train and evaluate: functions without arguments that give (loss_sum, count, metrics...). Returns (record, tensors)."""
        self._samples = {}
        with one_thread():
            initial = self._values()
            outputs, evaluations, steps = [], [], []
            evaluations.append(self._evaluate(evaluate, set_mode))
            for step in range(self._num_steps):
                set_mode(True)
                torch.manual_seed(self._seed + step)
                output = train()
                outputs.append([value.detach() for value in output])
                steps.append(self._update(output))
            evaluations.append(self._evaluate(evaluate, set_mode))
        record = {"seed": self._seed, "num_steps": self._num_steps, "rate": self._rate, **environment(), "initial": initial, "steps": steps}
        return record, {**_numbers("steps", outputs, self._state.metric_names), **_numbers("evaluations", evaluations, self._state.metric_names),
                        **{name: torch.stack(rows) for name, rows in self._samples.items()}}

    def _evaluate(self, evaluate, set_mode):
        set_mode(False)
        before = {name: sha256(buffer) for name, buffer in self._state.buffers.items()}
        with torch.no_grad():
            output = evaluate()
        changed = [name for name, buffer in self._state.buffers.items() if sha256(buffer) != before[name]]
        if changed:
            raise ExportError(f"buffer {changed[0]!r} changes in eval mode; an evaluation must leave the model as it is: change it only if self.training")
        return output

    def _update(self, output):
        loss_sum, count = output[0], output[1]
        loss_sum.backward()
        step_size = -(self._rate / count.item()) if count.item() else 0.0
        gradients = {}
        for name, parameter in self._state.trainable().items():
            gradient, parameter.grad = parameter.grad, None
            if gradient is not None and gradient.layout != torch.strided:
                raise ExportError(f"parameter {name!r} gets a sparse gradient; make the embedding with sparse=False")
            gradients[name] = None if gradient is None else sha256(gradient)
            self._sample("gradient", name, torch.zeros_like(parameter) if gradient is None else gradient)
            if gradient is not None:
                with torch.no_grad():
                    parameter.add_(gradient, alpha=step_size)
            self._sample("weight", name, parameter)
        return {"gradients": gradients, **self._values()}

    def _sample(self, kind, name, tensor):
        flat = tensor.detach().contiguous().view(-1).double()
        count = min(flat.numel(), SAMPLE)
        index = torch.arange(count) * (flat.numel() // max(count, 1))
        self._samples.setdefault(f"{kind}_norm/{name}", []).append(torch.linalg.vector_norm(flat))
        self._samples.setdefault(f"{kind}_sample/{name}", []).append(flat[index])

    def _values(self):
        return {"parameters": {name: sha256(tensor) for name, tensor in self._state.parameters.items()},
                "buffers": {name: sha256(tensor) for name, tensor in self._state.buffers.items()}}


def _numbers(kind, outputs, metric_names):
    columns = [torch.stack(column) for column in zip(*outputs)]
    metrics = {f"{kind}/metric/{name}": column for name, column in zip(metric_names, columns[2:])}
    return {f"{kind}/loss_sum": columns[0], f"{kind}/count": columns[1].double(), **metrics}


def is_bit_identical(one, other):
    (record, tensors), (other_record, other_tensors) = one, other
    return record == other_record and same_tensors(tensors, other_tensors)


def same_tensors(tensors, others):
    return all(torch.equal(tensor, others[name]) or _same_nan(tensor, others[name]) for name, tensor in tensors.items())


def _same_nan(one, other):
    return one.shape == other.shape and torch.equal(one.nan_to_num(), other.nan_to_num()) and torch.equal(one.isnan(), other.isnan())


def check_close(eager, graph):
    """Raises GradientsDiffer for parameters whose gradients the graph loses, ExportError for whatever else differs."""
    hashes, graph_hashes = (record["steps"][0]["gradients"] for record, _ in (eager, graph))
    differ = [name for name in hashes if (hashes[name] is None) != (graph_hashes[name] is None)
              or not all(_is_near(f"gradient_{kind}/{name}", eager[1], graph[1], steps=1) for kind in ("norm", "sample"))]
    if differ:
        raise GradientsDiffer(differ)
    for name in eager[1]:
        if not _is_near(name, eager[1], graph[1]):
            raise ExportError(f"the exported graph computes something else than the model: {name} is {_brief(graph[1][name])}, "
                              f"eager gives {_brief(eager[1][name])}; look for Python state that changes from call to call, "
                              "and for random numbers that do not come from torch")


class GradientsDiffer(Exception):
    """names: of the parameters."""

    def __init__(self, names):
        super().__init__(listing(names))
        self.names = names


def _is_near(name, tensors, others, steps=None):
    one, other = tensors[name][:steps].double(), others[name][:steps].double()
    return one.shape == other.shape and bool(((one - other).abs() <= _tolerance(name, tensors, steps)).all()) or _same_nan(one, other)


def _tolerance(name, tensors, steps):
    """A gradient that is zero but for rounding is noise; so some of the norm over all parameters counts too."""
    kind, _, parameter = name.partition("/")
    if kind in ("steps", "evaluations"):
        return CLOSE * tensors[name].abs().max().double()
    norm = f"{kind.split('_')[0]}_norm/"
    everything = torch.linalg.vector_norm(torch.stack([tensor[:steps] for other, tensor in tensors.items() if other.startswith(norm)]), dim=0)
    tolerance = CLOSE * tensors[norm + parameter][:steps] + NOISE * everything
    return tolerance[:, None] if kind.endswith("_sample") else tolerance


def _brief(tensor):
    return ", ".join(f"{value:.9g}" for value in tensor.view(-1)[:4].tolist())
