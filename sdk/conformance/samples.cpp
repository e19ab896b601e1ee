// A batch writer that believes nothing.
#include "conformance/samples.h"

#include <cstring>
#include <memory>
#include <mutex>

namespace trainhost::conformance {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr unsigned char kFence = 0x5a;
constexpr std::string_view kRefusal = "no room in this question's batch";

struct Value {
  std::vector<std::int64_t> shape, strides;
  std::size_t num_bytes = 0;
  std::unique_ptr<unsigned char[]> storage;  // alignment, bytes, fence
  unsigned char* data = nullptr;
};

struct Batch {
  trainhost_source_info info;
  std::vector<std::vector<Value>> values;  // sample, field
  std::uint64_t fails_at;
  std::mutex mutex;
  std::uint64_t num_reserved = 0;
  std::string complaint;

  static trainhost_status reserve(void* impl, std::uint64_t sample, std::uint32_t field, const std::int64_t* shape, trainhost_tensor* out,
                                  trainhost_error* error) {
    Batch& batch = *static_cast<Batch*>(impl);
    const std::lock_guard lock(batch.mutex);
    if (batch.num_reserved++ == batch.fails_at) return detail::fail(error, TRAINHOST_RESOURCE_EXHAUSTED, kRefusal);
    if (batch.complaint.empty()) batch.complaint = batch.place(sample, field, shape, out);
    return batch.complaint.empty() ? TRAINHOST_OK : detail::fail(error, TRAINHOST_INVALID_ARGUMENT, batch.complaint);
  }

  // Empty, or what is wrong.
  std::string place(std::uint64_t sample, std::uint32_t field, const std::int64_t* shape, trainhost_tensor* out) {
    if (sample >= values.size() || field >= info.num_fields)
      return format("read reserves field {} of sample {}: there are {} and {}", field, sample, info.num_fields, values.size());
    const trainhost_field& described = *info.fields[field];
    Value& value = values[sample][field];
    if (value.data) return format("read reserves field {} of sample {} twice", field, sample);
    value.num_bytes = described.dtype.bits / 8u;
    for (int axis = 0; axis < described.ndim; ++axis) {
      const std::int64_t fixed = described.shape[axis], bound = fixed >= 0 ? fixed : described.max_shape[axis];
      if (shape[axis] < 0 || (fixed >= 0 && shape[axis] != fixed) || (bound >= 0 && shape[axis] > bound))
        return format("field \"{}\": axis {} of a sample is {}, which info does not allow", view(described.name), axis, shape[axis]);
      value.shape.push_back(shape[axis]);
      value.num_bytes *= static_cast<std::size_t>(shape[axis]);
    }
    value.strides.assign(value.shape.size(), 1);
    for (std::size_t axis = value.shape.size(); axis-- > 1;) value.strides[axis - 1] = value.strides[axis] * value.shape[axis];
    value.storage.reset(new unsigned char[value.num_bytes + 2 * kAlignment]);
    value.data = value.storage.get() + (kAlignment - reinterpret_cast<std::uintptr_t>(value.storage.get()) % kAlignment) % kAlignment;
    std::memset(value.data, 0xa5, value.num_bytes);
    std::memset(value.data + value.num_bytes, kFence, kAlignment - 1);
    *out = {value.data, TRAINHOST_DEVICE_CPU, 0, described.ndim, described.dtype, value.shape.data(), value.strides.data(), 0};
    return {};
  }
};

void check_fence(const Value& value, const trainhost_field& field) {
  for (std::size_t i = 0; i + 1 < kAlignment; ++i)
    require(value.data[value.num_bytes + i] == kFence, "field \"{}\": read writes behind its end, at byte {} of {}", view(field.name), value.num_bytes + i,
            value.num_bytes);
}

double number_at(const Value& value, const trainhost_dtype& dtype, std::size_t index) {
  const auto as = [&]<class T>(T number) {
    std::memcpy(&number, value.data + index * sizeof number, sizeof number);
    return static_cast<double>(number);
  };
  if (dtype.code == TRAINHOST_DTYPE_FLOAT) return dtype.bits == 64 ? as(double{}) : dtype.bits == 32 ? as(float{}) : 0.0;
  if (dtype.code == TRAINHOST_DTYPE_INT)
    return dtype.bits == 64 ? as(std::int64_t{}) : dtype.bits == 32 ? as(std::int32_t{}) : dtype.bits == 16 ? as(std::int16_t{}) : as(std::int8_t{});
  if (dtype.code == TRAINHOST_DTYPE_UINT)
    return dtype.bits == 64 ? as(std::uint64_t{}) : dtype.bits == 32 ? as(std::uint32_t{}) : dtype.bits == 16 ? as(std::uint16_t{}) : as(std::uint8_t{});
  return 0;
}

bool is_whole_number(const trainhost_dtype& dtype) { return dtype.code == TRAINHOST_DTYPE_INT || dtype.code == TRAINHOST_DTYPE_UINT; }

void take_numbers(const Value& value, const trainhost_field& field, std::vector<double>& targets) {
  const std::size_t count = value.num_bytes / (field.dtype.bits / 8u);
  for (std::size_t i = 0; i < count; ++i) {
    const double number = number_at(value, field.dtype, i);
    if (field.num_classes > 0 && is_whole_number(field.dtype) && number != field.pad_value)
      require(number >= 0 && number < static_cast<double>(field.num_classes), "field \"{}\" holds {}, wanted 0 to {} or {}", view(field.name), number,
              field.num_classes - 1, field.pad_value);
    if (field.role == TRAINHOST_FIELD_TARGET && number != field.pad_value) targets.push_back(number);
  }
}

}  // namespace

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t extent : shape) text += format("{},", extent);
  return text + "]";
}

trainhost_source_info info_of(const Specimen& source) {
  const Placed<trainhost_source_info> info({sizeof(trainhost_source_info), 0, nullptr, 0, 0, nullptr, {}}, "trainhost_source_info");
  expect("info", source.need<trainhost_data_source>(TRAINHOST_DATA_SOURCE).info, source.c(), info.get());
  require(info->num_samples > 0, "it has no samples; give it data, with --config FILE.toml or key=value");
  require(info->num_fields > 0 && info->num_fields <= 64 && info->fields, "info declares {} fields, wanted 1 to 64", info->num_fields);
  for (std::uint32_t i = 0; i < info->num_fields; ++i) require(info->fields[i] != nullptr, "field {} is NULL", i);
  return *info;
}

Reading try_read(const Specimen& source, const std::vector<std::uint64_t>& ids, ReadOptions options) {
  Batch batch{.info = info_of(source), .values = {}, .fails_at = options.fails_at, .mutex = {}, .num_reserved = 0, .complaint = {}};
  for (std::size_t i = 0; i < ids.size(); ++i) batch.values.emplace_back(batch.info.num_fields);
  std::vector<std::uint64_t> keys;
  for (const std::uint64_t id : ids) keys.push_back(id + options.key_offset);
  const Placed<trainhost_read> wanted({sizeof(trainhost_read), 0, ids.size(), ids.data(), keys.data()}, "trainhost_read");
  const trainhost_batch_writer writer{&batch, &Batch::reserve};
  Reading reading;
  reading.said = ask("read", source.need<trainhost_data_source>(TRAINHOST_DATA_SOURCE).read, source.c(), wanted.get(), &writer);
  if (!batch.complaint.empty()) fail("{}", batch.complaint);
  if (!reading.said.is_ok()) return reading;
  for (std::size_t sample = 0; sample < ids.size(); ++sample) {
    reading.samples.emplace_back(), reading.targets.emplace_back();
    for (std::uint32_t field = 0; field < batch.info.num_fields; ++field) {
      const Value& value = batch.values[sample][field];
      require(value.data != nullptr, "read says OK, but has left out field \"{}\" of sample {}", view(batch.info.fields[field]->name), ids[sample]);
      check_fence(value, *batch.info.fields[field]);
      reading.samples.back() += shape_text(value.shape) + std::string(reinterpret_cast<const char*>(value.data), value.num_bytes);
      take_numbers(value, *batch.info.fields[field], reading.targets.back());
    }
  }
  return reading;
}

std::vector<SampleText> read(const Specimen& source, const std::vector<std::uint64_t>& ids) {
  Reading reading = try_read(source, ids);
  require(reading.said.is_ok(), "read of {} samples: {}", ids.size(), text_of(reading.said));
  return std::move(reading.samples);
}

}  // namespace trainhost::conformance
