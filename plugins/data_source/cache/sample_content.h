// One sample as bytes: the shapes of all fields, then their elements.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <trainhost/data_source.h>

namespace trainhost::sample_cache {

/// What the source says of a field, as far as content depends on it.
struct FieldLayout {
  std::string name;
  trainhost_dtype dtype{};
  std::vector<int64_t> shape, max_shape;  // -1: varies; -1: no bound
};
std::vector<FieldLayout> layouts_of(const trainhost_source_info& info);

/// One field of one sample, in the content.
struct FieldView {
  std::span<const int64_t> shape;
  std::span<const std::byte> data;
};

/// Appends a sample to `content`. `fields`: dense tensors on the CPU, one for each layout.
void write_sample(std::span<const FieldLayout> layouts, std::span<const trainhost_tensor> fields, std::vector<std::byte>& content);

/// Views into `content`, which is 8-byte aligned. False when the content is not that of a sample with these fields.
bool read_sample(std::span<const FieldLayout> layouts, std::span<const std::byte> content, std::vector<FieldView>& fields);

}  // namespace trainhost::sample_cache
