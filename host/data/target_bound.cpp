// Products of declared shapes, else what the source says.
#include "data/target_bound.h"

#include <algorithm>
#include <numeric>

namespace trainhost {
namespace {

// 0: an axis has no bound. A varying axis is bounded by its max_shape.
uint64_t most_elements(const FieldSpec& field) {
  uint64_t elements = 1;
  for (size_t axis = 0; axis < field.shape.size(); ++axis) {
    const int64_t length = field.shape[axis] >= 0 ? field.shape[axis] : field.max_shape[axis];
    if (length < 0) return 0;
    elements *= static_cast<uint64_t>(length);
  }
  return elements;
}

}  // namespace

TargetBound::TargetBound(const SampleSource& source, const std::string& set_name)
    : source_(source), place_(format("data set {}: {}", set_name, source.name())) {
  bool has_targets = false;
  for (const FieldSpec& field : source.info().fields) {
    if (field.role != TRAINHOST_FIELD_TARGET) continue;
    has_targets = true;
    const bool varies = std::any_of(field.shape.begin(), field.shape.end(), [](int64_t length) { return length < 0; });
    has_fixed_shapes_ = has_fixed_shapes_ && !varies;
    const uint64_t elements = most_elements(field);
    if (varies && elements == 0 && !source.has_lengths()) {
      throw Error(ExitCode::kData, format("{}: field '{}' varies in size, but has neither a max_shape nor trainhost.data_lengths/1 to bound its targets; "
                                          "the source must offer one of them",
                                          place_, field.name));
    }
    most_ += elements;
  }
  if (!has_targets) most_ = 1;
}

uint64_t TargetBound::sum(std::span<const uint64_t> ids) const {
  if (has_fixed_shapes_ || !source_.has_lengths()) return most_ * ids.size();
  const std::vector<uint64_t> lengths = source_.lengths(ids);
  return std::accumulate(lengths.begin(), lengths.end(), uint64_t{0});
}

std::vector<uint64_t> TargetBound::each(std::span<const uint64_t> ids) const {
  if (source_.has_lengths()) return source_.lengths(ids);
  if (has_fixed_shapes_) return std::vector<uint64_t>(ids.size(), most_);
  throw Error(ExitCode::kConfig, format("{}: target_tokens needs to know the length of samples before they are read, but this source varies in size and "
                                        "does not offer trainhost.data_lengths/1; set target_samples or micro_batches instead",
                                        place_));
}

}  // namespace trainhost
