// One file of tokens: 16 or 32 bits each, with or without the header of llm.c.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "files/input_file.h"

namespace trainhost {

class TokenFile {
 public:
  /// `name`: of the file, wherever it lies. `dtype`: uint16 or uint32, which a file without a header needs and one with a header must agree with. Throws PluginError: DATA_LOSS for a size or count
  /// that does not fit, INVALID_ARGUMENT where `dtype` is missing or says otherwise than the header.
  TokenFile(std::string name, std::unique_ptr<InputFile> input, const std::optional<std::string>& dtype, uint64_t vocabulary);

  const std::string& name() const { return name_; }
  const InputFile& input() const { return *input_; }
  uint64_t num_tokens() const { return num_tokens_; }
  size_t token_bytes() const { return token_bytes_; }

  /// Reads tokens first, first + 1, ... as they lie in the file, `raw.size()` bytes. Throws PluginError DATA_LOSS with file and position for a token that is not
  /// below the vocabulary. [any]
  void read(uint64_t first, std::span<std::byte> raw) const;

 private:
  void check_below_vocabulary(uint64_t first, std::span<const std::byte> raw) const;

  std::string name_;
  std::unique_ptr<InputFile> input_;
  uint64_t vocabulary_, header_bytes_ = 0, num_tokens_ = 0;
  size_t token_bytes_ = 0;
};

/// Tokens as they lie in a file, as 32-bit integers.
void widen(std::span<const std::byte> raw, size_t token_bytes, std::span<int32_t> out);

/// Calls `use` with the tokens as a span of uint16_t or uint32_t.
template <class Use>
auto with_tokens(std::span<const std::byte> raw, size_t token_bytes, Use&& use) {
  if (token_bytes == 2) return use(std::span(reinterpret_cast<const uint16_t*>(raw.data()), raw.size() / 2));
  return use(std::span(reinterpret_cast<const uint32_t*>(raw.data()), raw.size() / 4));
}

}  // namespace trainhost
