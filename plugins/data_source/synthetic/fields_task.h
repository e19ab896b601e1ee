// Samples of any fields, for models that bring their own: what each field holds is written in a line of the config.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/cpp/field.hpp>

namespace trainhost {

/// "tokens int64 [64] classes=256", "labels int64 [] role=target classes=10 pad=-1", "image float32 [3, 32, 32]".
/// Throws PluginError INVALID_ARGUMENT.
Field parse_field(std::string_view text);

/// Each field is random by itself: classes are drawn evenly, real numbers are normal, whole numbers without classes are 0 or 1. Nothing can be learnt
/// but the mean.
class FieldsTask {
 public:
  FieldsTask(uint64_t seed, std::vector<Field> fields) : seed_(seed), fields_(std::move(fields)) {}

  const std::vector<Field>& fields() const { return fields_; }
  size_t bytes_of(size_t field) const;
  /// The value of one field in sample `id`, row-major.
  void fill(uint64_t id, size_t field, std::byte* out) const;

  /// Samples first_id, first_id + 1, ... as a safetensors file: one tensor a field, the first axis is the sample. Throws PluginError.
  void write(const std::filesystem::path& path, uint64_t first_id, uint64_t count) const;

 private:
  uint64_t seed_;
  std::vector<Field> fields_;
};

}  // namespace trainhost
