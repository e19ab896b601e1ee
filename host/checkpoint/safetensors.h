// The safetensors format: laying tensors out for writing, and reading strictly.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor_view.h"

namespace trainhost {

/// The bytes are no safetensors file, or not exactly one: the message says what is wrong, without the file's name.
class SafetensorsError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file about to be written: `header`, then the bytes of `tensors` in this order, with nothing between or after.
struct SafetensorsLayout {
  std::string header;  // length, JSON, spaces: a multiple of kSafetensorsAlignment, so that the data can be read in place
  std::vector<TensorView> tensors;  // widest elements first, then by name: each stands at a multiple of its element's size
  uint64_t bytes = 0;               // of the whole file
};

inline constexpr uint64_t kSafetensorsAlignment = 4096;
inline constexpr uint64_t kSafetensorsMaxHeader = 100'000'000;

/// Throws SafetensorsError for a duplicate or reserved name, an unknown dtype, a size that does not follow from shape and dtype.
SafetensorsLayout lay_out_safetensors(std::span<const TensorView> tensors, const std::map<std::string, std::string>& metadata = {});

struct SafetensorsFile {
  std::map<std::string, std::string> metadata;
  std::vector<TensorView> tensors;  // in the order of the file; they point into it
  uint64_t header_bytes = 0;        // where the data begins
};

/// Accepts the file only as a whole: no hole, overlap or trailing byte, no duplicate key, every size as shape and dtype demand. Throws SafetensorsError.
SafetensorsFile read_safetensors(std::span<const std::byte> file);

/// The same checks over the header alone, which are the first bytes of a file of `file_bytes`; the tensors have no data.
SafetensorsFile read_safetensors_header(std::span<const std::byte> header, uint64_t file_bytes);

/// Bits of one element; 0 for an unknown name.
uint64_t safetensors_bits(std::string_view dtype);

/// "tensor h.0.weight, element 17 is nan" for the first value that is not finite; empty when all are. Integers always are.
std::string first_non_finite(std::span<const TensorView> tensors, unsigned num_threads = 1);

}  // namespace trainhost
