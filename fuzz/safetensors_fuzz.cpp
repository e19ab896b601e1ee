// Fuzzes the safetensors reader: it refuses or accepts, and what it accepts tiles the file exactly and can be written again.
#include "checkpoint/safetensors.h"
#include "fuzz.h"

using namespace trainhost;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    const SafetensorsFile file = read_safetensors({bytes, size});
    uint64_t at = file.header_bytes;
    for (const TensorView& tensor : file.tensors) {
      fuzz::promise(tensor.data == bytes + at, "tensors lie one behind the other");
      at += tensor.bytes;
    }
    fuzz::promise(at == size, "tensors end with the file");
    (void)first_non_finite(file.tensors);
    fuzz::promise(lay_out_safetensors(file.tensors, file.metadata).tensors.size() == file.tensors.size(), "what was read can be written");
  } catch (const SafetensorsError&) {
  }
  return 0;
}
