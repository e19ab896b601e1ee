"""What cannot be exported is refused, in words that name the place and say what to write instead."""
import unittest

import models
import torch
import torch.nn.functional as F
from models import trainhost_export
from torch import nn


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        return 3 * gradient * ctx.saved_tensors[0]


def line(forward):
    """A model of one linear layer, whose forward is forward(self, y, target) with y the layer's output."""

    class Line(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 1)
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, x, target):
            return forward(self, self.linear(x), target)

    torch.manual_seed(0)
    return Line()


def squares(y, target):
    return ((y - target) ** 2).sum(), torch.tensor(4)


def batch():
    generator = torch.Generator().manual_seed(1)
    return {"x": torch.randn(4, 3, generator=generator), "target": torch.randn(4, 1, generator=generator)}


class Constructs(models.TestCase):
    def refused(self, pattern, forward, example=None, **options):
        self.assert_refused(pattern, trainhost_export.export, line(forward), example or batch(), self.path, **options)

    def test_a_custom_backward_is_named_with_the_parameters_that_lose_it(self):
        def forward(self, y, target):
            return squares(Square.apply(y), target)
        self.refused(r"gradient of linear\.weight, linear\.bias; .*Square \(refusals\.py:\d+\).*register_autograd", forward)

    def test_a_hook_on_gradients(self):
        def forward(self, y, target):
            if y.requires_grad:
                y.register_hook(lambda gradient: 2 * gradient)
            return squares(y, target)
        self.refused(r"gradient of linear\.weight, linear\.bias; .*hooks", forward)

    def test_control_flow_on_values(self):
        def forward(self, y, target):
            if y.sum() > 0:
                y = y * 2
            return squares(y, target)
        self.refused(r"refusals\.py:\d+: if y\.sum\(\) > 0:: cannot be exported: .*torch\.where", forward)

    def test_numbers_out_of_tensors(self):
        def forward(self, y, target):
            scale = y.abs().max().item()
            return squares(y * scale, target)
        self.refused(r"refusals\.py:\d+: scale = .*item.*keep it a tensor", forward)

    def test_numpy(self):
        def forward(self, y, target):
            return squares(y * float(target.numpy().max()), target)
        self.refused(r"refusals\.py:\d+: return squares.*cannot be exported: .*(numpy|where)", forward)

    def test_cond(self):
        def forward(self, y, target):
            return squares(torch.cond(y.sum() > 0, lambda t: t * 2, lambda t: t * 3, (y,)), target)
        self.refused(r"refusals\.py:\d+: .*cond is control flow.*torch\.where", forward)

    def test_autograd_inside_of_forward(self):
        def forward(self, y, target):
            (slope,) = torch.autograd.grad((y ** 2).sum(), self.linear.weight, create_graph=True)
            return ((y - target) ** 2).sum() + (slope ** 2).sum(), torch.tensor(4)
        self.refused(r"itself fails .* in eval mode, without gradients: RuntimeError: element 0 of tensors does not require grad", forward)

        def only_in_training(self, y, target):
            loss = (y.tanh() ** 2).sum()
            if self.training:
                loss = loss + (torch.autograd.grad(loss, self.linear.weight, create_graph=True)[0] ** 2).sum()
            return loss, torch.tensor(4)
        self.refused(r"a part of forward cannot be traced, as torch\.autograd\.grad", only_in_training)

    def test_no_grad_inside_of_autocast(self):
        def forward(self, y, target):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                with torch.no_grad():
                    self.seen.add_(y.square().mean())
            return squares(y + self.seen, target)

        def in_training(self, y, target):
            return forward(self, y, target) if self.training else squares(y, target)
        self.refused(r"(?s)exported graph cannot be trained, though the model can: .*no_grad\(\) inside of torch\.autocast\(\); write \.detach", in_training)

    def test_an_operator_without_a_shape_function(self):
        library = torch.library.Library("trainhost_test", "FRAGMENT")
        library.define("twice(Tensor x) -> Tensor")
        library.impl("twice", lambda x: x * 2, "CPU")
        self.addCleanup(library._destroy)

        def forward(self, y, target):
            return squares(y + torch.ops.trainhost_test.twice(y.detach()), target)
        self.refused(r"refusals\.py:\d+: .*custom operator .*register_fake", forward)

    def test_a_buffer_that_an_evaluation_changes(self):
        def forward(self, y, target):
            self.seen.add_(1)
            return squares(y, target)
        self.refused(r"buffer 'seen' changes in eval mode", forward)

    def test_state_that_python_keeps(self):
        calls = []

        def forward(self, y, target):
            calls.append(1)
            return squares(y * (1 + len(calls) % 5), target)
        self.refused(r"computes something else|gradient of", forward)

    def test_a_size_that_the_code_fixes(self):
        def forward(self, y, target):
            return squares(y.view(4, 1), target)
        self.refused(r"dimension 'batch' .* is not dynamic in this model.*to 4; pass dynamic=False", forward)

    def test_a_size_that_goes_in_steps(self):
        class Pairs(nn.Module):
            def __init__(self):
                super().__init__()
                self.linear = nn.Linear(2, 1)

            def forward(self, x):
                return self.linear(x.view(x.shape[0], x.shape[1] // 2, 2)).square().sum(), x.shape[0]

        self.assert_refused(r"works only where .*time.*, which does not hold for .*time = 5.*\(name, min, max, multiple_of\)", trainhost_export.export, Pairs(),
                            {"x": torch.randn(3, 8)}, self.path, dynamic={"x": {1: ("time", 4, 16)}})
        trainhost_export.export(Pairs(), {"x": torch.randn(3, 8)}, self.path, dynamic={"x": {1: ("time", 4, 16, 2)}})

    def test_a_size_that_only_some_values_allow(self):
        class Positions(nn.Module):
            def __init__(self):
                super().__init__()
                self.wpe = nn.Embedding(8, 1)

            def forward(self, x):
                return ((self.wpe(torch.arange(x.shape[1])).squeeze(1) - x) ** 2).sum(), x.numel()

        self.assert_refused(r"dimension 'time' \(fields x\).* with 16 the model itself fails.*narrow its range", trainhost_export.export, Positions(),
                            {"x": torch.randn(3, 4)}, self.path, dynamic={"x": {1: ("time", 1, 16)}})


class Outputs(models.TestCase):
    def refused(self, pattern, forward, **options):
        self.assert_refused(pattern, trainhost_export.export, line(forward), batch(), self.path, **options)

    def test_not_a_pair(self):
        self.refused(r"Line\.forward gave Tensor, wanted \(loss_sum, count\)", lambda self, y, target: ((y - target) ** 2).sum())

    def test_a_metric_too_few(self):
        self.refused(r"gave 2 values, wanted \(loss_sum, count, accuracy\)", lambda self, y, target: squares(y, target), metrics=["accuracy"])

    def test_a_loss_for_each_sample(self):
        self.refused(r"loss_sum has shape \[4\], wanted no axes.*\.sum\(\)", lambda self, y, target: (((y - target) ** 2).sum(1), 4))

    def test_a_loss_without_gradient(self):
        self.refused(r"loss_sum does not depend on any parameter", lambda self, y, target: (((y - target) ** 2).sum().detach(), 4))

    def test_a_count_that_is_no_number(self):
        self.refused(r"count has shape \[4, 1\]", lambda self, y, target: (((y - target) ** 2).sum(), torch.ones_like(target)))

    def test_a_prediction_of_another_shape_than_the_target(self):
        self.assert_refused(r"prediction has shape \[4, 1\], field 'targets' has \[4\]; .*equal", trainhost_export.export, nn.Linear(3, 1),
                            {"input": torch.randn(4, 3), "targets": torch.randn(4)}, self.path, loss="mse")
        self.assert_refused(r"axis of the classes \(class_axis=-1\).*\[4\], field 'targets' has \[4, 2\]", trainhost_export.export, nn.Linear(3, 5),
                            {"input": torch.randn(4, 3), "targets": torch.zeros(4, 2, dtype=torch.long)}, self.path, loss="cross_entropy")


class Arguments(models.TestCase):
    def refused(self, pattern, example=None, model=None, **options):
        model = model or line(lambda self, y, target: squares(y, target))
        self.assert_refused(pattern, trainhost_export.export, model, example or batch(), self.path, **options)

    def test_the_example_batch(self):
        x, target = batch().values()
        self.refused(r"field 'x' is there twice", [("x", x), ("x", target)])
        self.refused(r"first axis counts the samples.*'x': 4, 'target': 3", {"x": x, "target": target[:3]})
        self.refused(r"field 'x' is a float", {"x": 1.0, "target": target})
        self.refused(r"dimension 'batch' .* has size 1; .*at least 2", {"x": x[:1], "target": target[:1]})
        self.refused(r"field 'x' has no axes", {"x": torch.tensor(1.0)})
        self.refused(r"complex64", {"x": x.to(torch.complex64), "target": target})
        self.refused(r"forward takes 2 arguments", (x, target, x))

    def test_dynamic(self):
        self.refused(r"no field 'y', only x, target", dynamic={"y": {0: "batch"}})
        self.refused(r"field 'x' has axes 0 to 1, got 2", dynamic={"x": {2: "time"}})
        self.refused(r"dimension 'width' needs a largest size", dynamic={"x": {1: "width"}})
        self.refused(r"axis 0 of field 'x' counts the samples", dynamic={"x": {0: ("rows", 1, 8)}})
        self.refused(r"'1time' is no name", dynamic={"x": {1: ("1time", 1, 8)}})
        self.refused(r"dimension 'width' .* is not dynamic in this model", dynamic={"x": {1: ("width", 1, 8)}})
        self.refused(r"axis 1 of field 'target' is width, so 3 .* but has 1", dynamic={"x": {1: ("width", 1, 8)}, "target": {1: "width"}})

    def test_loss_and_metrics(self):
        self.refused(r"loss: got 'hinge', wanted one of cross_entropy, mse, bce", loss="hinge")
        self.refused(r"target is the field 'targets', the batch has only x, target", loss="mse")
        self.refused(r"MeanSquaredError has no metric 'accuracy', only absolute_error", loss=trainhost_export.MeanSquaredError("target"), metrics=["accuracy"])
        self.refused(r"functions need loss", metrics={"a": len})
        self.refused(r"there twice", metrics=["a", "a"])

    def test_init(self):
        self.refused(r"'wte\.\*' matches no parameter.*linear\.weight, linear\.bias", init={"wte.*": ("normal", 0, 1)})
        self.refused(r"unknown rule 'xavier', wanted one of constant, normal, uniform", init={"linear.*": ("xavier",)})
        self.refused(r"rule normal wants the numbers mean, std, got \[0\]", init={"linear.*": ("normal", 0)})
        self.refused(r"std must not be negative", init={"linear.*": ("normal", 0, -1)})

    def test_values_that_there_is_no_class_for(self):
        model, example, options = models.gpt()
        self.assert_refused(r"field 'tokens' holds \d+, but there are 3 classes: values from 0 to 2", trainhost_export.export, model, example, self.path,
                            **options, fields={"tokens": {"num_classes": 3}})
        example["targets"][1, 1] = -7
        self.assert_refused(r"the model itself fails on the example batch, in train mode: IndexError: Target -7", trainhost_export.export, model, example,
                            self.path, **options)

    def test_names_that_forward_does_not_know(self):
        x, target = batch().values()
        self.refused(r"Line\.forward takes x, target; the batch has x, y for it, so target is missing", {"x": x, "y": target})
        self.refused(r"Line\.forward takes x, target; the batch has x for it, so target is missing", {"x": x})

    def test_fields(self):
        self.refused(r"no field 'y', only x, target", fields={"y": {}})
        self.refused(r"wanted keys num_classes, pad_value, role", fields={"x": {"classes": 3}})


class State(models.TestCase):
    def refused(self, pattern, change):
        model = line(lambda self, y, target: squares(y, target))
        change(model)
        self.assert_refused(pattern, trainhost_export.export, model, batch(), self.path)

    def test_nothing_to_train(self):
        self.refused(r"no parameter with requires_grad", lambda model: model.requires_grad_(False))

    def test_tensors_that_share_memory_without_being_tied(self):
        def share(model):
            model.other = nn.Parameter(model.linear.weight.detach())
        self.refused(r"parameter 'linear\.weight' shares memory with parameter 'other'|parameter 'other' shares memory with .*'linear\.weight'", share)

    def test_a_model_that_is_not_on_the_cpu(self):
        self.refused(r"is on meta; export on the CPU", lambda model: model.to("meta"))

    def test_formats_that_a_bundle_does_not_hold(self):
        def change(model):
            model.seen = torch.zeros(3, dtype=torch.complex64)
        self.refused(r"buffer 'seen' has the number format complex64", change)

    def test_sparse_gradients(self):
        class Sparse(nn.Module):
            def __init__(self):
                super().__init__()
                self.embedding = nn.Embedding(5, 2, sparse=True)

            def forward(self, ids):
                return F.silu(self.embedding(ids)).sum(), ids.numel()

        self.assert_refused(r"'embedding\.weight' gets a sparse gradient; .*sparse=False", trainhost_export.export, Sparse(),
                            {"ids": torch.zeros(3, 2, dtype=torch.long)}, self.path)


if __name__ == "__main__":
    unittest.main()
