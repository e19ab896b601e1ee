// Fuzzes the safetensors reader: it refuses or accepts, and what it accepts tiles the file exactly.
#include <cstdint>
#include <cstdlib>

#include "checkpoint/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const trainhost::SafetensorsFile file = trainhost::read_safetensors({reinterpret_cast<const std::byte*>(data), size});
    uint64_t bytes = file.header_bytes;
    for (const trainhost::TensorView& tensor : file.tensors) {
      if (tensor.data != reinterpret_cast<const std::byte*>(data) + bytes) std::abort();
      bytes += tensor.bytes;
    }
    if (bytes != size) std::abort();
    (void)trainhost::first_non_finite(file.tensors);
  } catch (const trainhost::SafetensorsError&) {
  }
  return 0;
}
