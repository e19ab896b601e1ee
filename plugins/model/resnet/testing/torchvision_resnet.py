"""Computes with torchvision what the plugin computed, from the same weights.

usage: torchvision_resnet.py FOLDER
FOLDER/settings.json        depth, stem, classes
FOLDER/start.safetensors    the plugin's parameters and buffers before the passes
FOLDER/seen.safetensors     image, label (-1 does not count), and what the plugin computed: loss (the sum, in training), evaluation_loss behind it, gradient.<name>,
                            buffer.<name> behind the training pass, accuracy, top5
Output: largest relative difference of a loss, of a gradient and of a buffer (2-norms); differences of accuracy and top5.
"""
import json
import os
import sys

sys.path.insert(0, os.environ["TRAINHOST_MODEL_MODULES"])
sys.dont_write_bytecode = True

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
import torchvision  # noqa: E402
from safetensors.torch import load_file  # noqa: E402


def relative(got, wanted):
    got, wanted = got.double(), wanted.double()
    return ((got - wanted).norm() / wanted.norm().clamp_min(1e-30)).item()


def main(folder):
    settings = json.load(open(f"{folder}/settings.json"))
    start, seen = load_file(f"{folder}/start.safetensors"), load_file(f"{folder}/seen.safetensors")
    model = getattr(torchvision.models, f"resnet{settings['depth']}")(num_classes=settings["classes"])
    if settings["stem"] == "small":
        model.conv1, model.maxpool = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False), torch.nn.Identity()
    assert list(model.state_dict()) and set(model.state_dict()) == set(start), set(model.state_dict()) ^ set(start)
    model.load_state_dict(start)
    labels = seen["label"]
    loss = F.cross_entropy(model.train()(seen["image"]), labels, ignore_index=-1, reduction="sum")
    loss.backward()
    gradient = max(relative(seen[f"gradient.{name}"], value.grad) for name, value in model.named_parameters())
    buffer = max(relative(seen[f"buffer.{name}"], value) for name, value in model.named_buffers())
    with torch.no_grad():
        logits = model.eval()(seen["image"])
    evaluated = F.cross_entropy(logits, labels, ignore_index=-1, reduction="sum")
    right = [(logits.topk(k, 1).indices == labels[:, None]).any(1).sum().item() for k in (1, 5)]
    print(max(relative(seen["loss"], loss), relative(seen["evaluation_loss"], evaluated)), gradient, buffer,
          abs(right[0] - seen["accuracy"].item()), abs(right[1] - seen["top5"].item()))


main(sys.argv[1])
