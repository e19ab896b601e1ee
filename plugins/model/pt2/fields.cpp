#include "fields.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "errors.h"

namespace pt2 {
namespace {

using trainhost::Field;

struct Named {
  uint8_t code, bits;
  at::ScalarType type;
};
constexpr std::array<Named, 13> kTypes = {{{TRAINHOST_DTYPE_FLOAT, 64, at::kDouble}, {TRAINHOST_DTYPE_FLOAT, 32, at::kFloat}, {TRAINHOST_DTYPE_FLOAT, 16, at::kHalf},
                                          {TRAINHOST_DTYPE_BFLOAT, 16, at::kBFloat16}, {TRAINHOST_DTYPE_INT, 64, at::kLong}, {TRAINHOST_DTYPE_INT, 32, at::kInt},
                                          {TRAINHOST_DTYPE_INT, 16, at::kShort}, {TRAINHOST_DTYPE_INT, 8, at::kChar}, {TRAINHOST_DTYPE_UINT, 64, at::kUInt64},
                                          {TRAINHOST_DTYPE_UINT, 32, at::kUInt32}, {TRAINHOST_DTYPE_UINT, 16, at::kUInt16}, {TRAINHOST_DTYPE_UINT, 8, at::kByte},
                                          {TRAINHOST_DTYPE_BOOL, 8, at::kBool}}};

at::ScalarType type_of(const Field& field) {
  for (const Named& one : kTypes)
    if (one.code == field.dtype.code && one.bits == field.dtype.bits) return one.type;
  throw refuse(trainhost::format("field \"{}\" has a number format that LibTorch does not have", field.name));
}

bool is_whole(at::ScalarType type) { return c10::isIntegralType(type, /*includeBool=*/false); }
bool is_unsigned(at::ScalarType type) { return type == at::kByte || type == at::kUInt16 || type == at::kUInt32 || type == at::kUInt64; }

// Whether every value of `from` is one of `to`.
bool holds_exactly(at::ScalarType from, at::ScalarType to) {
  if (from == to) return true;
  const size_t from_bytes = c10::elementSize(from), to_bytes = c10::elementSize(to);
  if (is_whole(from) && is_whole(to)) return from_bytes < to_bytes && (is_unsigned(from) || !is_unsigned(to));
  return c10::isFloatingType(from) && c10::isFloatingType(to) && from_bytes < to_bytes;
}

// Whether the number format of the field can hold its value for padding.
bool holds_pad_value(const Field& field) { return !(is_unsigned(type_of(field)) && field.pad_value < 0); }

bool is_class(double value, int64_t num_classes) { return value >= 0 && value < static_cast<double>(num_classes); }

std::string text_of(at::IntArrayRef sizes) {
  std::string text = "[";
  for (size_t i = 0; i < sizes.size(); ++i) text += trainhost::format("{}{}", i ? ", " : "", sizes[i]);
  return text + "]";
}

std::string bound_text(const Dimension& dimension) {
  std::string text = trainhost::format("{} to {}", dimension.min, dimension.max == std::numeric_limits<int64_t>::max() ? "any size" : trainhost::format("{}", dimension.max));
  return dimension.multiple_of > 1 ? text + trainhost::format(", a multiple of {}", dimension.multiple_of) : text;
}

bool allows(const Dimension& dimension, int64_t size) { return size >= dimension.min && size <= dimension.max && size % dimension.multiple_of == 0; }

// The size of the dimension that makes an axis of `size`; -1 when none does.
int64_t solved(const AxisSize& axis, int64_t size) {
  const int64_t rest = size - axis.plus;
  return axis.times != 0 && rest % axis.times == 0 ? rest / axis.times : -1;
}

constexpr int64_t kUnknown = -1;

// What is wrong with one axis of a batch, empty when nothing is. `sizes`: those of the dimensions, as far as they are known.
std::string complaint_about(const Manifest& manifest, size_t axis, const AxisSize& wanted, int64_t got, std::vector<int64_t>& sizes) {
  if (wanted.dimension == AxisSize::kFixed) {
    if (got == wanted.plus) return "";
    return axis == 0 ? "the number of samples is fixed; export with a dynamic first axis, or use micro-batches of that many" : trainhost::format("axis {} is fixed", axis);
  }
  const Dimension& dimension = manifest.dimensions[static_cast<size_t>(wanted.dimension)];
  int64_t& known = sizes[static_cast<size_t>(wanted.dimension)];
  const int64_t found = solved(wanted, got);
  if (known != kUnknown && known != found) return trainhost::format("\"{}\" is {} in another field", dimension.name, known);
  if (!allows(dimension, found)) return trainhost::format("\"{}\" goes from {}", dimension.name, bound_text(dimension));
  known = found;
  return "";
}

}  // namespace

Fields::Fields(const Manifest& manifest, std::span<const Field> source) : manifest_(manifest) {
  for (const FieldFacts& wanted : manifest_.fields) feeds_.push_back(feed_of(wanted, source));
}

Fields::Feed Fields::feed_of(const FieldFacts& wanted, std::span<const Field> source) {
  const auto found = std::find_if(source.begin(), source.end(), [&](const Field& field) { return field.name == wanted.name; });
  if (found == source.end()) {
    std::string names;
    for (const Field& field : source) names += (names.empty() ? "" : ", ") + field.name;
    throw refuse(trainhost::format("the data has no field \"{}\", only: {}; choose another source, or map its fields under [model] fields", wanted.name, names));
  }
  if (!holds_exactly(type_of(*found), wanted.dtype))
    throw refuse(trainhost::format("field \"{}\" holds {}, the model was exported for {}; choose another source, or export the model with such an example", wanted.name,
                                   c10::toString(type_of(*found)), dtype_name(wanted.dtype)));
  check_shape(wanted, *found);
  Feed feed{static_cast<size_t>(found - source.begin()), type_of(*found)};
  if (wanted.num_classes > 0) check_classes(wanted, *found, feed);
  return feed;
}

// A source's shape is without the axis of samples; -1 varies up to max_shape.
void Fields::check_shape(const FieldFacts& wanted, const Field& field) const {
  const auto fail = [&](const std::string& words) {
    return refuse(trainhost::format("field \"{}\": {}; the model was exported for {}; choose another source, or export the model with such sizes as dynamic ones", wanted.name,
                                    words, shape_text(manifest_, wanted)));
  };
  if (field.shape.size() + 1 != wanted.shape.size()) throw fail(trainhost::format("a sample has {} axes, wanted {}", field.shape.size(), wanted.shape.size() - 1));
  for (size_t i = 0; i < field.shape.size(); ++i) {
    const AxisSize& axis = wanted.shape[i + 1];
    const int64_t size = field.shape[i];
    const bool varies = size < 0;
    const int64_t most = varies && i < field.max_shape.size() ? field.max_shape[i] : size;
    if (axis.dimension == AxisSize::kFixed) {
      if (size != axis.plus) throw fail(trainhost::format("axis {} has {}, wanted {}", i + 1, varies ? "varying sizes" : trainhost::format("{} elements", size), axis.plus));
      continue;
    }
    const Dimension& dimension = manifest_.dimensions[static_cast<size_t>(axis.dimension)];
    if (most >= 0 && solved(axis, most) > dimension.max)
      throw fail(trainhost::format("axis {} has up to {} elements, but \"{}\" goes from {}", i + 1, most, dimension.name, bound_text(dimension)));
    if (!varies && !allows(dimension, solved(axis, size)))
      throw fail(trainhost::format("axis {} has {} elements, but \"{}\" goes from {}", i + 1, size, dimension.name, bound_text(dimension)));
  }
}

// The host checks values; here the source's declaration is held against the model.
void Fields::check_classes(const FieldFacts& wanted, const Field& field, Feed& feed) const {
  if (field.num_classes > wanted.num_classes)
    throw refuse(trainhost::format("field \"{}\" has {} classes, the model was exported for {}; choose other data, or export a model with more", wanted.name, field.num_classes,
                                   wanted.num_classes));
  feed.pad_value = field.pad_value;
  const bool may_have_pad = holds_pad_value(field) && !is_class(field.pad_value, wanted.num_classes);
  feed.is_pad_mapped = may_have_pad && wanted.pad_value && *wanted.pad_value != field.pad_value;
}

std::vector<at::Tensor> Fields::take(const t2::Batch& batch) const {
  check_batch(batch);
  std::vector<at::Tensor> inputs;
  for (size_t i = 0; i < feeds_.size(); ++i) {
    const FieldFacts& wanted = manifest_.fields[i];
    at::Tensor tensor = batch.fields[feeds_[i].place].tensor.to(wanted.dtype);
    if (feeds_[i].is_pad_mapped) tensor = tensor.masked_fill(tensor.eq(feeds_[i].pad_value), *wanted.pad_value);
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

void Fields::check_batch(const t2::Batch& batch) const {
  std::vector<int64_t> sizes(manifest_.dimensions.size(), kUnknown);
  for (size_t i = 0; i < feeds_.size(); ++i) {
    const FieldFacts& wanted = manifest_.fields[i];
    if (feeds_[i].place >= batch.fields.size() || batch.fields[feeds_[i].place].name != wanted.name)
      throw refuse(trainhost::format("a batch has no field \"{}\" where the data said that it is", wanted.name));
    const at::Tensor& tensor = batch.fields[feeds_[i].place].tensor;
    if (tensor.scalar_type() != feeds_[i].dtype)
      throw refuse(trainhost::format("a batch's field \"{}\" holds {}, the data said {}", wanted.name, c10::toString(tensor.scalar_type()), c10::toString(feeds_[i].dtype)));
    const at::IntArrayRef got = tensor.sizes();
    std::string complaint = got.size() == wanted.shape.size() ? "" : "another number of axes";
    for (size_t axis = 0; axis < got.size() && complaint.empty(); ++axis) complaint = complaint_about(manifest_, axis, wanted.shape[axis], got[axis], sizes);
    if (!complaint.empty())
      throw refuse(trainhost::format("a batch's field \"{}\" has the shape {}, the model was exported for {}: {}", wanted.name, text_of(got), shape_text(manifest_, wanted), complaint));
  }
}

std::vector<t2::ValueLimit> Fields::limits() const {
  std::vector<t2::ValueLimit> limits;
  for (const FieldFacts& field : manifest_.fields)
    if (field.num_classes > 0) limits.push_back({field.name, field.num_classes, field.pad_value.has_value(), field.pad_value});
  return limits;
}

}  // namespace pt2
