"""Loads a folder with transformers and computes the same as the plugin.

usage: transformers_gpt2.py FOLDER
FOLDER/config.json, FOLDER/model.safetensors   what GPT2LMHeadModel.from_pretrained reads
FOLDER/seen.safetensors                        tokens, targets: int64 [samples, length], a target of -1 does not count; what the plugin computed from them:
                                               loss (the sum), logits of the token behind the last one, gradient.<foreign name> as the plugin has it
FOLDER/transposed.json                         foreign names whose gradients the plugin has the other way round
Output: largest relative difference of the loss, of the logits and of a gradient (2-norms).
"""
import json
import os
import sys

sys.path.insert(0, os.environ["TRAINHOST_MODEL_MODULES"])
sys.dont_write_bytecode = True

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from transformers import GPT2LMHeadModel  # noqa: E402


def relative(got, wanted):
    return ((got - wanted).norm() / wanted.norm()).item()


def main(folder):
    seen, transposed = load_file(f"{folder}/seen.safetensors"), set(json.load(open(f"{folder}/transposed.json")))
    model, info = GPT2LMHeadModel.from_pretrained(folder, output_loading_info=True, attn_implementation="eager")
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], info
    model.train()  # its dropouts are 0
    logits = model(seen["tokens"]).logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), seen["targets"].flatten(), ignore_index=-1, reduction="sum")
    loss.backward()
    gradients = {name: value.grad for name, value in model.named_parameters()}
    assert gradients.keys() == {name.removeprefix("gradient.") for name in seen if name.startswith("gradient.")}, gradients.keys()
    worst = max(relative(seen[f"gradient.{name}"].t() if name in transposed else seen[f"gradient.{name}"], value) for name, value in gradients.items())
    print(relative(seen["loss"], loss), relative(seen["logits"], logits[:, -1]), worst)


main(sys.argv[1])
