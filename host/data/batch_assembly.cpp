// Slots, one a sample and field; then checks and gathering.
#include "data/batch_assembly.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "data/elements.h"

namespace trainhost {
namespace {

constexpr size_t kAlignment = 64;  // what trainhost_batch_writer promises

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

bool varies(const FieldSpec& field) {
  return std::any_of(field.shape.begin(), field.shape.end(), [](int64_t length) { return length < 0; });
}

// Samples of this field stand one behind the other in the batch, each at an aligned address.
bool is_written_in_place(const FieldSpec& field) { return !varies(field) && num_elements(field.shape) * element_bytes(field.dtype) % kAlignment == 0; }

std::vector<int64_t> dense_strides(std::span<const int64_t> shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

// No batch has as much: sums of a few of them do not overflow.
constexpr uint64_t kBeyondAll = uint64_t{1} << 60;

uint64_t product(uint64_t a, uint64_t b) {
  uint64_t out = 0;
  return __builtin_mul_overflow(a, b, &out) ? kBeyondAll : std::min(out, kBeyondAll);
}

// Of one sample, at most; nullopt: no bound.
std::optional<uint64_t> most_row_bytes(const FieldSpec& field) {
  uint64_t bytes = element_bytes(field.dtype);
  for (size_t axis = 0; axis < field.shape.size(); ++axis) {
    const int64_t length = field.shape[axis] >= 0 ? field.shape[axis] : field.max_shape[axis];
    if (length < 0) return std::nullopt;
    bytes = product(bytes, static_cast<uint64_t>(length));
  }
  return bytes;
}

}  // namespace

void check_field(const FieldSpec& field, const std::string& place) {
  if (element_bytes(field.dtype) == 0 || element_bytes(field.dtype) > 8) {
    throw Error(ExitCode::kPlugin, format("{}: field '{}': elements of {} x {} bits cannot be batched, wanted 8, 16, 32 or 64 bits", place, field.name,
                                          uint32_t{field.dtype.lanes}, uint32_t{field.dtype.bits}));
  }
  if (varies(field) && !encode_element(field.dtype, field.pad_value)) {
    throw Error(ExitCode::kPlugin, format("{}: field '{}' varies in size, but its number format cannot hold its pad_value {}; "
                                          "the source must choose another format or value",
                                          place, field.name, field.pad_value));
  }
}

std::optional<uint64_t> most_batch_bytes(std::span<const FieldSpec> fields, uint64_t num_samples, const Staging& staging) {
  uint64_t bytes = 0;
  for (const FieldSpec& field : fields) {
    const std::optional<uint64_t> row = most_row_bytes(field);
    if (!row) return std::nullopt;
    const uint64_t whole = product(*row, num_samples);
    if (whole >= kBeyondAll) return kBeyondAll;
    bytes += staging.buffer_bytes(whole);
    if (varies(field)) bytes += product(Staging::room_bytes(*row), num_samples);
    else if (!is_written_in_place(field)) bytes += Staging::room_bytes(product(aligned(*row), num_samples));
    bytes = std::min(bytes, kBeyondAll);
  }
  return bytes;
}

BatchAssembly::BatchAssembly(const SampleSource& source, std::span<const uint64_t> ids, std::string place, Staging& staging, std::atomic<uint64_t>& progress)
    : source_(source), fields_(source.info().fields), ids_(ids), place_(std::move(place)), staging_(staging), progress_(progress), slots_(fields_.size() * ids.size()), memory_(fields_.size()) {
  for (size_t field = 0; field < fields_.size(); ++field) {
    if (varies(fields_[field])) continue;
    const size_t row = num_elements(fields_[field].shape) * element_bytes(fields_[field].dtype);
    const bool is_in_place = is_written_in_place(fields_[field]);
    if (is_in_place) memory_[field] = take(Use::kBatch, product(row, ids.size()));
    const auto room = is_in_place ? memory_[field] : take(Use::kSample, product(aligned(row), ids.size()));
    for (size_t sample = 0; sample < ids.size(); ++sample) {
      slot(sample, field).data = room.get() + sample * (is_in_place ? row : aligned(row));
      if (!is_in_place) slot(sample, field).room = room;
    }
  }
}

std::shared_ptr<std::byte> BatchAssembly::take(Use use, uint64_t bytes) {
  const uint64_t all = bytes_ += use == Use::kBatch ? staging_.buffer_bytes(bytes) : Staging::room_bytes(bytes);
  if (all > staging_.limit_bytes())
    throw Error(ExitCode::kConfig, format("{}: a batch of {} samples takes {} of memory or more, data.memory allows {} for all that are read ahead; raise data.memory, or choose smaller micro-batches",
                                          place_, ids_.size(), human_bytes(static_cast<double>(all)), human_bytes(static_cast<double>(staging_.limit_bytes()))));
  return use == Use::kBatch ? staging_.buffer(bytes) : staging_.room(bytes);
}

void BatchAssembly::reserve(uint64_t sample_index, uint32_t field, std::span<const int64_t> shape, trainhost_tensor& out) {
  Slot& place = slot(sample_index, field);
  if (place.is_taken.exchange(true)) {
    throw Error(ExitCode::kPlugin, format("{}: sample {}: field '{}' is reserved twice", place_, source_.id_text(ids_[sample_index]), fields_[field].name));
  }
  progress_.fetch_add(1, std::memory_order_relaxed);
  place.shape.assign(shape.begin(), shape.end());
  place.strides = dense_strides(shape);
  if (!place.data) {
    place.room = take(Use::kSample, num_elements(shape) * element_bytes(fields_[field].dtype));
    place.data = place.room.get();
  }
  out = {};
  out.data = place.data;
  out.device_type = TRAINHOST_DEVICE_CPU;
  out.ndim = static_cast<int32_t>(shape.size());
  out.dtype = fields_[field].dtype;
  out.shape = place.shape.data();
  out.strides = place.strides.data();
}

HostBatch BatchAssembly::finish() {
  for (size_t sample = 0; sample < ids_.size(); ++sample) {
    for (size_t field = 0; field < fields_.size(); ++field) check_slot(sample, field);
  }
  HostBatch batch;
  batch.num_samples = ids_.size();
  bool has_targets = false;
  for (size_t field = 0; field < fields_.size(); ++field) {
    batch.fields.push_back(gather(field));
    if (fields_[field].role != TRAINHOST_FIELD_TARGET) continue;
    has_targets = true;
    for (size_t sample = 0; sample < ids_.size(); ++sample) batch.num_targets += num_elements(slot(sample, field).shape);
  }
  if (!has_targets) batch.num_targets = batch.num_samples;
  batch.memory = std::make_shared<std::vector<std::shared_ptr<std::byte>>>(std::move(memory_));
  return batch;
}

void BatchAssembly::check_slot(uint64_t sample_index, size_t field) {
  const FieldSpec& spec = fields_[field];
  const Slot& place = slot(sample_index, field);
  if (!place.is_taken) throw Error(ExitCode::kPlugin, format("{}: sample {}: read returned OK without field '{}'", place_, source_.id_text(ids_[sample_index]), spec.name));
  const auto stray = find_stray(spec.dtype, place.data, num_elements(place.shape), spec.num_classes, {&spec.pad_value, 1});
  if (stray) {
    throw Error(ExitCode::kData, format("{}: sample {}: field '{}' holds {} at element {}, wanted 0 to {} (or {}, which does not count); "
                                        "correct the data, or the number of classes that the source declares",
                                        place_, source_.id_text(ids_[sample_index]), spec.name, stray->value, stray->index, spec.num_classes - 1, spec.pad_value));
  }
  check_model_takes(sample_index, spec, place);
}

// Here, since a device that meets an index out of range may take the process with it.
void BatchAssembly::check_model_takes(uint64_t sample_index, const FieldSpec& spec, const Slot& place) const {
  const auto stray = find_stray(spec.dtype, place.data, num_elements(place.shape), spec.model_classes, spec.model_others);
  if (!stray) return;
  std::string others;
  for (const double other : spec.model_others) others += format(" or {}", other);
  throw Error(ExitCode::kData, format("{}: sample {}: field '{}' holds {} at element {}, the model takes 0 to {}{}; correct the data, or choose a model with more classes", place_,
                                      source_.id_text(ids_[sample_index]), spec.name, stray->value, stray->index, spec.model_classes - 1, others));
}

void BatchAssembly::check_model_takes_padding(const FieldSpec& spec, const Slot& place, std::span<const int64_t> row_shape) const {
  const bool is_taken = (spec.pad_value >= 0 && spec.pad_value < static_cast<double>(spec.model_classes)) || std::ranges::find(spec.model_others, spec.pad_value) != spec.model_others.end();
  if (spec.model_classes == 0 || is_taken || std::ranges::equal(place.shape, row_shape)) return;
  throw Error(ExitCode::kData, format("{}: field '{}' has samples of different sizes, which are filled up with {}, but the model takes 0 to {}; choose a source that fills up with one of "
                                      "these, or samples of one size",
                                      place_, spec.name, spec.pad_value, spec.model_classes - 1));
}

HostField BatchAssembly::gather(size_t field) {
  const FieldSpec& spec = fields_[field];
  HostField out{.dtype = spec.dtype, .shape = batch_shape(field), .data = nullptr, .bytes = 0};
  out.bytes = num_elements(out.shape) * element_bytes(spec.dtype);
  if (!is_written_in_place(spec)) {
    memory_[field] = take(Use::kBatch, out.bytes);
    const auto pad = encode_element(spec.dtype, spec.pad_value).value_or(std::array<std::byte, 8>{});
    const std::span row_shape(out.shape.data() + 1, out.shape.size() - 1);
    const size_t row = num_elements(row_shape) * element_bytes(spec.dtype);
    for (size_t sample = 0; sample < ids_.size(); ++sample) {
      const Slot& from = slot(sample, field);
      check_model_takes_padding(spec, from, row_shape);
      copy_padded(from.data, from.shape, memory_[field].get() + sample * row, row_shape, {pad.data(), element_bytes(spec.dtype)});
    }
  }
  out.data = memory_[field].get();
  return out;
}

std::vector<int64_t> BatchAssembly::batch_shape(size_t field) {
  std::vector<int64_t> shape(fields_[field].shape.size() + 1, 0);
  shape[0] = static_cast<int64_t>(ids_.size());
  for (size_t sample = 0; sample < ids_.size(); ++sample) {
    const std::vector<int64_t>& own = slot(sample, field).shape;
    for (size_t axis = 0; axis < own.size(); ++axis) shape[axis + 1] = std::max(shape[axis + 1], own[axis]);
  }
  return shape;
}

}  // namespace trainhost
