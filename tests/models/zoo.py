"""Sixteen models, most of them written by others, in small sizes and with random weights: name -> function that gives (model, batch, options of export())."""
import torch
import torch.nn.functional as F
from torch import nn
from trainhost_export import CrossEntropy

VOCABULARY, LENGTH, SAMPLES, CLASSES = 100, 12, 4, 10
LANGUAGE = {"loss": CrossEntropy(target="labels", ignore_index=-100), "metrics": ["accuracy"]}
LABELLED = {"loss": CrossEntropy(target="label"), "metrics": ["accuracy"]}
TIME = ("time", 2, 32)


def _tokens(*shape):
    return torch.randint(0, VOCABULARY, shape or (SAMPLES, LENGTH))


def _language():
    batch = {"input_ids": _tokens(), "labels": _tokens()}
    return batch, {**LANGUAGE, "dynamic": {name: {1: TIME} for name in batch}}


def _images(size):
    return {"label": torch.randint(0, CLASSES, (SAMPLES,))}, torch.randn(SAMPLES, 3, size, size)


def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel
    config = GPT2Config(vocab_size=VOCABULARY, n_positions=32, n_embd=32, n_layer=2, n_head=2, use_cache=False)
    return GPT2LMHeadModel(config), *_language()


def llama():
    from transformers import LlamaConfig, LlamaForCausalLM
    config = LlamaConfig(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                         max_position_embeddings=32, use_cache=False)
    return LlamaForCausalLM(config), *_language()


def qwen2():
    from transformers import Qwen2Config, Qwen2ForCausalLM
    config = Qwen2Config(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                         max_position_embeddings=32, use_cache=False, tie_word_embeddings=True)
    return Qwen2ForCausalLM(config), *_language()


def bert():
    from transformers import BertConfig, BertForMaskedLM
    config = BertConfig(vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, max_position_embeddings=32)
    batch = {"input_ids": _tokens(), "attention_mask": torch.ones(SAMPLES, LENGTH, dtype=torch.int64), "labels": _tokens()}
    batch["attention_mask"][0, 8:] = 0
    batch["labels"][:, ::2] = -100
    return BertForMaskedLM(config), batch, {**LANGUAGE, "dynamic": {name: {1: TIME} for name in batch}}


def t5():
    from transformers import T5Config, T5ForConditionalGeneration
    config = T5Config(vocab_size=VOCABULARY, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, use_cache=False)
    batch = {"input_ids": _tokens(SAMPLES, 9), "decoder_input_ids": _tokens(), "labels": _tokens()}
    return T5ForConditionalGeneration(config), batch, {**LANGUAGE, "dynamic": {"decoder_input_ids": {1: TIME}, "labels": {1: TIME}}}


def vit():
    from transformers import ViTConfig, ViTForImageClassification
    config = ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8, num_labels=CLASSES)
    label, image = _images(32)
    return ViTForImageClassification(config), {"pixel_values": image, **label}, LABELLED


class Heard(nn.Module):
    """Whisper's encoder, the mean over time, classes."""

    def __init__(self):
        super().__init__()
        from transformers import WhisperConfig
        from transformers.models.whisper.modeling_whisper import WhisperEncoder
        config = WhisperConfig(d_model=32, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=64, num_mel_bins=8, max_source_positions=16)
        self.encoder, self.head = WhisperEncoder(config), nn.Linear(32, CLASSES)

    def forward(self, input_features):
        return self.head(self.encoder(input_features).last_hidden_state.mean(1))


def whisper_encoder():
    return Heard(), {"input_features": torch.randn(SAMPLES, 8, 32), "label": torch.randint(0, CLASSES, (SAMPLES,))}, LABELLED


def resnet18():
    from torchvision.models import resnet18 as make
    label, image = _images(32)
    return make(num_classes=CLASSES), {"x": image, **label}, LABELLED


def convnext():
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt
    label, image = _images(32)
    return ConvNeXt([CNBlockConfig(16, 32, 1), CNBlockConfig(32, None, 2)], stochastic_depth_prob=0.1, num_classes=CLASSES), {"x": image, **label}, LABELLED


def swin():
    from torchvision.models.swin_transformer import SwinTransformer
    label, image = _images(32)
    model = SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], stochastic_depth_prob=0.1, num_classes=CLASSES)
    return model, {"x": image, **label}, LABELLED


def efficientnet():
    import timm
    label, image = _images(64)
    return timm.create_model("efficientnet_lite0", pretrained=False, num_classes=CLASSES, drop_rate=0.1, drop_path_rate=0.1), {"x": image, **label}, LABELLED


def lora():
    from peft import LoraConfig, get_peft_model
    model, batch, options = gpt2()
    return get_peft_model(model, LoraConfig(r=4, lora_alpha=8, lora_dropout=0.1, target_modules=["c_attn"], fan_in_fan_out=True)), batch, options


class UNet(nn.Module):
    """Classes of pixels; one step down and up."""

    def __init__(self, width=8):
        super().__init__()
        self.down, self.inner, self.up = self._twice(3, width), self._twice(width, 2 * width), nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.out, self.head = self._twice(2 * width, width), nn.Conv2d(width, CLASSES, 1)

    @staticmethod
    def _twice(inputs, outputs):
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU())

    def forward(self, image):
        high = self.down(image)
        return self.head(self.out(torch.cat([high, self.up(self.inner(F.max_pool2d(high, 2)))], 1)))


def unet():
    batch = {"image": torch.randn(SAMPLES, 3, 16, 16), "label": torch.randint(0, CLASSES, (SAMPLES, 16, 16))}
    return UNet(), batch, {"loss": CrossEntropy(target="label", class_axis=1), "metrics": ["accuracy"]}


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(VOCABULARY, 16), nn.Linear(24, VOCABULARY)
        self.lstm = nn.LSTM(16, 24, num_layers=2, batch_first=True, dropout=0.1)

    def forward(self, input_ids):
        return self.head(self.lstm(self.embedding(input_ids))[0])


def lstm():
    batch, _ = _language()
    return Lstm(), batch, LANGUAGE


class Dlrm(nn.Module):
    """Embedding bags and dense features, their products, one logit."""

    def __init__(self, tables=3, width=8):
        super().__init__()
        self.bags = nn.ModuleList(nn.EmbeddingBag(50, width, mode="sum") for _ in range(tables))
        self.bottom = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, width))
        pairs = tables * (tables + 1) // 2
        self.top = nn.Sequential(nn.Linear(pairs + width, 16), nn.ReLU(), nn.Linear(16, 1))
        self.register_buffer("rows", torch.tril_indices(tables + 1, tables + 1, -1), persistent=False)

    def forward(self, ids, dense):
        bottom = self.bottom(dense)
        vectors = torch.stack([bottom, *[bag(ids[:, i]) for i, bag in enumerate(self.bags)]], 1)
        products = (vectors @ vectors.transpose(1, 2))[:, self.rows[0], self.rows[1]]
        return self.top(torch.cat([bottom, products], 1)).squeeze(1)


def dlrm():
    batch = {"ids": torch.randint(0, 50, (SAMPLES, 3, 5)), "dense": torch.randn(SAMPLES, 6), "targets": torch.randint(0, 2, (SAMPLES,)).float()}
    return Dlrm(), batch, {"loss": "bce", "metrics": ["accuracy"]}


class TextClassifier(nn.Module):
    """The mean over the tokens that are there."""

    def __init__(self):
        super().__init__()
        self.embedding, self.layers = nn.Embedding(VOCABULARY, 16), nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Dropout(0.1), nn.Linear(32, CLASSES))

    def forward(self, input_ids):
        mask = (input_ids != 0).unsqueeze(-1)
        return self.layers((self.embedding(input_ids) * mask).sum(1) / mask.sum(1).clamp(min=1))


def text_classifier():
    return TextClassifier(), {"input_ids": _tokens(), "label": torch.randint(0, CLASSES, (SAMPLES,))}, {**LABELLED, "dynamic": {"input_ids": {1: TIME}}}


ALL = {make.__name__: make for make in (gpt2, llama, qwen2, bert, t5, vit, whisper_encoder, resnet18, convnext, swin, efficientnet, lora, unet, lstm, dlrm,
                                        text_classifier)}

# Their attention takes another kernel while they are exported: masks are built that eager leaves out.
ANOTHER_KERNEL = {"llama", "qwen2"}


def build(name, seed=0):
    torch.manual_seed(seed)
    return ALL[name]()
