// Sizes follow from the shapes, and are held against what the source declares and what is there.
#include "sample_content.h"

#include <cstring>
#include <limits>

#include <trainhost/cpp/error.hpp>

namespace trainhost::sample_cache {
namespace {

size_t num_axes(std::span<const FieldLayout> layouts) {
  size_t count = 0;
  for (const FieldLayout& layout : layouts) count += layout.shape.size();
  return count;
}

/// False for a shape that the field does not allow, and for more bytes than can be counted.
bool bytes_of_shape(const FieldLayout& layout, std::span<const int64_t> shape, uint64_t& bytes) {
  bytes = layout.dtype.bits / 8u;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const int64_t extent = shape[axis], declared = layout.shape[axis], bound = layout.max_shape[axis];
    if (extent < 0 || (declared != -1 && extent != declared) || (declared == -1 && bound != -1 && extent > bound)) return false;
    if (extent > 0 && bytes > std::numeric_limits<uint64_t>::max() / static_cast<uint64_t>(extent)) return false;
    bytes *= static_cast<uint64_t>(extent);
  }
  return true;
}

}  // namespace

std::vector<FieldLayout> layouts_of(const trainhost_source_info& info) {
  std::vector<FieldLayout> layouts;
  for (uint32_t i = 0; i < info.num_fields; ++i) {
    const trainhost_field& field = *info.fields[i];
    layouts.push_back({std::string(view(field.name)), field.dtype, {field.shape, field.shape + field.ndim}, {field.max_shape, field.max_shape + field.ndim}});
  }
  return layouts;
}

void write_sample(std::span<const FieldLayout> layouts, std::span<const trainhost_tensor> fields, std::vector<std::byte>& content) {
  const auto add = [&](const void* data, size_t size) {
    const auto* bytes = static_cast<const std::byte*>(data);
    content.insert(content.end(), bytes, bytes + size);
  };
  for (const trainhost_tensor& field : fields) add(field.shape, static_cast<size_t>(field.ndim) * sizeof(int64_t));
  for (size_t i = 0; i < fields.size(); ++i) {
    uint64_t bytes = 0;
    if (!bytes_of_shape(layouts[i], {fields[i].shape, static_cast<size_t>(fields[i].ndim)}, bytes))
      throw PluginError(TRAINHOST_INTERNAL, format("cache: field {} came with a shape that its source does not declare", layouts[i].name));
    add(static_cast<const std::byte*>(fields[i].data) + fields[i].byte_offset, bytes);
  }
}

bool read_sample(std::span<const FieldLayout> layouts, std::span<const std::byte> content, std::vector<FieldView>& fields) {
  fields.clear();
  const size_t shape_bytes = num_axes(layouts) * sizeof(int64_t);
  if (content.size() < shape_bytes) return false;
  std::span<const int64_t> shapes(reinterpret_cast<const int64_t*>(content.data()), num_axes(layouts));
  std::span<const std::byte> rest = content.subspan(shape_bytes);
  for (const FieldLayout& layout : layouts) {
    const std::span<const int64_t> shape = shapes.first(layout.shape.size());
    shapes = shapes.subspan(layout.shape.size());
    uint64_t bytes = 0;
    if (!bytes_of_shape(layout, shape, bytes) || bytes > rest.size()) return false;
    fields.push_back({shape, rest.first(bytes)});
    rest = rest.subspan(bytes);
  }
  return rest.empty();
}

}  // namespace trainhost::sample_cache
