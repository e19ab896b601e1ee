"""Weights go to transformers and come from there: same losses on the same data."""

import json
import os
import sys

MODULES = os.environ["TRAINHOST_MODEL_MODULES"]
sys.path.append(MODULES)
sys.dont_write_bytecode = True
if not os.path.exists(f"{MODULES}/complete"):
    sys.exit(f"transformers is not installed in {MODULES}; run scripts/setup test")

import torch  # noqa: E402
from harness import MLP, TestCase, main  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from transformers import GPT2Config, GPT2LMHeadModel  # noqa: E402

CONFIG = """
max = ["10step"]
plugins = ["fp32", "accum", "synthetic", "gpt", "adamw", "constant", "localckpt"]
[data]
threads = 1
[execution]
threads = 1
[synthetic]
task = "fields"
fields = ["tokens int64 [16] role=input classes=40", "targets int64 [16] role=target classes=40 pad=-1"]
samples = 64
[evaluation.heldout]
every = "10step"
synthetic.first_id = 1000
synthetic.samples = 32
synthetic.write_to = "heldout.safetensors"
[gpt]
layers = 2
heads = 4
width = 32
[accum]
micro_batch_samples = 8
micro_batches = 1
[adamw]
learning_rate = 1e-2
[checkpoint]
every = "10step"
mode = "sync"
[sample]
length = 0
"""


def loss_of(model, samples):
    """Mean over all targets that count."""
    with torch.no_grad():
        logits = model.eval()(samples["tokens"]).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), samples["targets"].flatten(), ignore_index=-1).item()


class HuggingFace(TestCase):
    def assert_close(self, got, wanted):
        self.assertLessEqual(abs(got - wanted), 1e-5 * abs(wanted))

    def evaluate(self, run):
        return self.trainhost("evaluate", run, "--json").json()["sets"]["heldout"]

    def test_transformers_loads_an_exported_folder_and_has_its_loss(self):
        self.write("a.toml", CONFIG)
        self.trainhost("run", "a.toml")
        self.trainhost("ckpt", "export", "runs/a", "theirs", "--format", "huggingface")
        model, info = GPT2LMHeadModel.from_pretrained(self.folder / "theirs", output_loading_info=True)
        self.assertFalse(info["missing_keys"] or info["unexpected_keys"] or info["mismatched_keys"], info)
        samples, got = load_file(self.folder / "heldout.safetensors"), self.evaluate("runs/a")
        self.assert_close(got["loss"]["value"], loss_of(model, samples))
        with torch.no_grad():
            is_right = model(samples["tokens"]).logits.argmax(2) == samples["targets"]
        self.assert_close(got["accuracy"]["value"], is_right.double().mean().item())

    def test_a_model_without_a_layout_says_so(self):
        self.write("mlp.toml", MLP)
        self.trainhost("run", "mlp.toml")
        refusal = self.trainhost("ckpt", "export", "runs/mlp", "theirs", "--format", "huggingface", code=2)
        self.assert_names(refusal.err, "model/mlp has no layout for transformers", "--format safetensors")
        self.assertFalse((self.folder / "theirs").exists())

    def test_a_run_goes_on_with_the_network_that_it_began_with(self):
        text = CONFIG.replace('layers = 2\nheads = 4\nwidth = 32\n', 'config = "net"\n')
        config = {"model_type": "gpt2", "n_layer": 2, "n_head": 4, "n_embd": 32, "n_positions": 16, "vocab_size": 50, "resid_pdrop": 0.0, "embd_pdrop": 0.0,
                  "attn_pdrop": 0.0}
        self.write("net/config.json", json.dumps(config))
        self.write("b.toml", text)
        self.trainhost("run", "b.toml")
        saved = json.loads((self.run_folder("b").newest() / "run_state.json").read_text())["model"]["hugging_face"]["config"]
        self.assertEqual((saved["vocab_size"], saved["n_layer"]), (50, 2))
        self.write("net/config.json", json.dumps(config | {"n_head": 2}))
        refusal = self.trainhost("run", "b.toml", "max=20step", code=2)
        self.assert_names(refusal.err, "its model had n_head = 4, this one has 2")
        self.write("elsewhere/config.json", json.dumps(config))
        self.trainhost("run", "b.toml", "max=20step", "gpt.config=elsewhere")
        self.assertIn("step-000000000020", self.run_folder("b").newest().name)


# Everything but one bias stays as it was loaded.
FROM_THEIRS = CONFIG.replace("[gpt]\nlayers = 2\nheads = 4\nwidth = 32\n", '[gpt]\nconfig = "theirs"\n').replace("[data]\n", "[data]\nshuffle = false\n").replace(
    'max = ["10step"]', 'max = ["1step"]').replace("[synthetic]\n", '[synthetic]\nwrite_to = "samples.safetensors"\n', 1) + """
[telemetry]
every = "1step"
[model]
init_from = "theirs"
"""
FREEZE = 'model.freeze=["transformer.w*", "transformer.h.*", "transformer.ln_f.weight"]'
LINEAR = (".c_attn.weight", ".c_proj.weight", ".c_fc.weight")


class StartsFromTheirs(TestCase):
    def setUp(self):
        super().setUp()
        torch.manual_seed(5)
        config = GPT2Config(vocab_size=50, n_positions=24, n_embd=32, n_layer=2, n_head=4, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
        self.theirs = GPT2LMHeadModel(config)
        with torch.no_grad():
            for parameter in self.theirs.parameters():  # biases and norms too
                parameter.add_(torch.randn_like(parameter), alpha=0.05)
        self.write("run.toml", FROM_THEIRS)

    def assert_has_their_weights(self, name):
        saved, theirs = load_file(self.run_folder(name).newest() / "weights.safetensors"), self.theirs.state_dict()
        for key, value in saved.items():
            if key != "transformer.ln_f.bias":
                self.assertTrue(torch.equal(value, theirs[key].t() if key.endswith(LINEAR) else theirs[key]), key)

    def first_loss(self):
        samples = {field: values[:8] for field, values in load_file(self.folder / "samples.safetensors").items()}
        return loss_of(self.theirs, samples), samples

    def test_a_folder_and_its_loss_and_gradients(self):
        self.theirs.save_pretrained(self.folder / "theirs")
        result = self.trainhost("run", "run.toml", "--name", "a")
        self.assert_names(result.err, "(a safetensors file): 28 of 28 tensors of the model, by Hugging Face's names\n")
        loss, samples = self.first_loss()
        run = self.run_folder("a")
        self.assert_close(run.losses()[1], loss)
        logits = self.theirs.train()(samples["tokens"]).logits
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), samples["targets"].flatten()).backward()
        moments = load_file(run.newest() / "optimizer.safetensors")
        for name, parameter in self.theirs.named_parameters():
            got = moments[f"optimizer.{name}.exp_avg"] / 0.1  # after one step
            wanted = parameter.grad.t() if name.endswith(LINEAR) else parameter.grad
            self.assertLessEqual((got - wanted).norm(), 1e-5 * wanted.norm(), name)

    def assert_close(self, got, wanted):
        self.assertLessEqual(abs(got - wanted), 1e-5 * abs(wanted))

    def test_one_file_shards_and_a_bare_network_give_the_same(self):
        self.theirs.save_pretrained(self.folder / "theirs")
        self.theirs.save_pretrained(self.folder / "shards", max_shard_size="40KB")
        self.assertGreater(len(list((self.folder / "shards").glob("*.safetensors"))), 2)
        self.theirs.transformer.save_pretrained(self.folder / "bare")
        digests = {}
        for place, words in {"theirs": "by Hugging Face's names", "theirs/model.safetensors": "by Hugging Face's names", "shards": "safetensors files",
                             "bare": 'without "transformer."'}.items():
            name = place.replace("/", "-")
            result = self.trainhost("run", "run.toml", "--name", name, f"model.init_from={place}", FREEZE)
            self.assert_names(result.err, words, "28 of 28")
            self.assert_has_their_weights(name)
            digests[place] = self.run_folder(name).record()["init_from"]["sha256"]
        self.assertEqual(digests["theirs"], digests["theirs/model.safetensors"])
        self.assertNotEqual(digests["theirs"], digests["bare"])

    def test_there_and_back(self):
        self.theirs.save_pretrained(self.folder / "theirs")
        self.trainhost("run", "run.toml", "--name", "a")
        self.trainhost("ckpt", "export", "runs/a", "back", "--format", "huggingface")
        self.trainhost("ckpt", "export", "runs/a", "back.safetensors")
        wanted = load_file(self.run_folder("a").newest() / "weights.safetensors")
        for name, place in {"b": "back", "c": "back.safetensors"}.items():
            self.trainhost("run", "run.toml", "--name", name, f"model.init_from={place}", FREEZE)
            got = load_file(self.run_folder(name).newest() / "weights.safetensors")
            for key, value in got.items():
                if key != "transformer.ln_f.bias":
                    self.assertTrue(torch.equal(value, wanted[key]), key)

    def test_another_network_with_the_same_shapes_is_refused(self):
        self.theirs.save_pretrained(self.folder / "theirs")
        (self.folder / "other").mkdir()
        for name in ("config.json", "model.safetensors"):
            (self.folder / "other" / name).write_bytes((self.folder / "theirs" / name).read_bytes())
        config = json.loads((self.folder / "other/config.json").read_text())
        (self.folder / "other/config.json").write_text(json.dumps(config | {"n_head": 2}))
        refusal = self.trainhost("run", "run.toml", "model.init_from=other", code=2)
        self.assert_names(refusal.err, "n_head is 2, this model has 4 heads")
        (self.folder / "other/config.json").write_text(json.dumps(config | {"activation_function": "relu"}))
        self.assert_names(self.trainhost("run", "run.toml", "model.init_from=other", code=2).err, "activation_function")

    def test_untied_heads_and_damaged_shards_are_refused(self):
        self.theirs.save_pretrained(self.folder / "theirs")
        weights = load_file(self.folder / "theirs/model.safetensors")
        save_file(weights | {"lm_head.weight": weights["transformer.wte.weight"] + 1}, self.folder / "untied.safetensors")
        self.assert_names(self.trainhost("run", "run.toml", "model.init_from=untied.safetensors", code=2).err, "lm_head.weight are one tensor of the model")
        save_file(weights | {"lm_head.weight": weights["transformer.wte.weight"].clone()}, self.folder / "tied.safetensors")
        self.trainhost("run", "run.toml", "model.init_from=tied.safetensors", FREEZE, "--name", "tied")
        self.assert_has_their_weights("tied")

        self.theirs.save_pretrained(self.folder / "shards", max_shard_size="40KB")
        second = sorted((self.folder / "shards").glob("*.safetensors"))[1]
        content = second.read_bytes()
        second.write_bytes(content[:-100])
        self.assert_names(self.trainhost("run", "run.toml", "model.init_from=shards", code=14).err, second.name, "is no whole safetensors file")
        second.unlink()
        self.assert_names(self.trainhost("run", "run.toml", "model.init_from=shards", code=14).err, second.name, "is missing")
        save_file({"other": torch.zeros(2)}, second)
        self.assert_names(self.trainhost("run", "run.toml", "model.init_from=shards", code=14).err, second.name, "lacks the tensor")


if __name__ == "__main__":
    main()
