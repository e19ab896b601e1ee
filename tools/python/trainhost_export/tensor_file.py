"""Reading and writing safetensors files with nothing but torch."""
import ctypes
import json
import math

import torch

from . import dtypes
from .errors import ExportError

ALIGNMENT = 64
_LENGTH_BYTES = 8


def raw_bytes(tensor):
    """The row-major bytes of a CPU tensor, as a memoryview that keeps them alive; no copy if the tensor is row-major."""
    tensor = tensor.detach().contiguous()
    if tensor.numel() == 0:
        return memoryview(b"")
    array = (ctypes.c_char * (tensor.numel() * tensor.element_size())).from_address(tensor.data_ptr())
    array.tensor = tensor
    return memoryview(array).cast("B")


def pieces(tensors):
    """The bytes of a file, piece by piece. Wide formats come first, so that every tensor is aligned to its own size; the first is aligned to 64 bytes."""
    ordered = sorted(tensors.items(), key=lambda item: -item[1].element_size())
    header, offset = {}, 0
    for name, tensor in ordered:
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": dtypes.safetensors_name(tensor.dtype), "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(_LENGTH_BYTES + len(text)) % ALIGNMENT)
    yield len(text).to_bytes(_LENGTH_BYTES, "little") + text
    for _, tensor in ordered:
        yield raw_bytes(tensor)


def parse(data, place):
    """Tensors by name out of the bytes of a file; they share the memory of data, a writable buffer. Raises ExportError that begins with place."""
    total = len(data)
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if total < _LENGTH_BYTES or length > total - _LENGTH_BYTES:
        raise ExportError(f"{place}: is cut: {total} bytes, the header alone wants {_LENGTH_BYTES + length}; get a whole copy")
    begin = _LENGTH_BYTES + length
    try:
        header = json.loads(bytes(data[_LENGTH_BYTES:begin]))
        return {name: _tensor(data, begin, name, entry, place) for name, entry in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportError(f"{place}: is no safetensors file: {error}; get a whole copy") from error


def _tensor(data, begin, name, entry, place):
    dtype = dtypes.from_safetensors(entry["dtype"])
    if dtype is None:
        raise ExportError(f"{place}: tensor {name}: number format {entry['dtype']} is not known here")
    shape, (first, last) = entry["shape"], entry["data_offsets"]
    wanted = math.prod(shape) * dtype.itemsize
    if not 0 <= first <= last <= len(data) - begin or last - first != wanted:
        raise ExportError(f"{place}: tensor {name}: bytes {first} to {last} of {len(data) - begin}, its shape {shape} wants {wanted} bytes; "
                          "the file is damaged, get a whole copy")
    if wanted == 0:
        return torch.empty(shape, dtype=dtype)
    if (begin + first) % dtype.itemsize:  # torch cannot look at numbers that are not aligned
        return torch.frombuffer(bytearray(data[begin + first:begin + last]), dtype=dtype).view(shape)
    return torch.frombuffer(data, dtype=dtype, count=math.prod(shape), offset=begin + first).view(shape)
