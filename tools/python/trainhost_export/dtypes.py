"""Number formats: PyTorch's names in manifests, safetensors' names in weight files."""
import torch

_SAFETENSORS = {
    torch.bool: "BOOL", torch.uint8: "U8", torch.int8: "I8", torch.int16: "I16", torch.int32: "I32", torch.int64: "I64", torch.float16: "F16",
    torch.bfloat16: "BF16", torch.float32: "F32", torch.float64: "F64",
}
_TORCH = {name: dtype for dtype, name in _SAFETENSORS.items()}


def is_known(dtype):
    return dtype in _SAFETENSORS


def name_of(dtype):
    """`float32` of torch.float32."""
    return str(dtype).removeprefix("torch.")


def safetensors_name(dtype):
    return _SAFETENSORS[dtype]


def from_safetensors(name):
    """The dtype, or None for a name that is not known."""
    return _TORCH.get(name)
