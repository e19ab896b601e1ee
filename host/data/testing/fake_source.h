// A data source made of test code, behind the real C tables, and a device that keeps what it is given.
#pragma once
#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include <trainhost/data_source.h>
#include <trainhost/data_stages.h>

#include "base/batch.h"
#include "data/elements.h"
#include "data/testing/borrowed_instance.h"
#include "plugin/data_source.h"
#include "plugin/instance.h"
#include "plugin/metadata.h"

namespace trainhost::testing {

inline constexpr trainhost_dtype kInt64{TRAINHOST_DTYPE_INT, 64, 1}, kInt32{TRAINHOST_DTYPE_INT, 32, 1}, kUInt8{TRAINHOST_DTYPE_UINT, 8, 1};

/// A record of the plugin file whose instances tests lend it (borrowed_instance.cpp).
inline PluginRecord fake_record(const std::string& full_name) {
  for (const PluginRecord& record : read_records(TRAINHOST_TEST_PLUGIN))
    if (record.full_name() == full_name) return record;
  throw Error(ExitCode::kFailure, "the plugin file for tests has no " + full_name);
}

/// Set the public members, then call source().
class FakeSource {
 public:
  struct Field {
    std::string name;
    int32_t role;
    trainhost_dtype dtype;
    std::vector<int64_t> shape, max_shape;
    int64_t num_classes = 0;
    double pad_value = 0;
  };

  std::vector<Field> fields{{"x", TRAINHOST_FIELD_INPUT, kInt64, {8}, {}}, {"y", TRAINHOST_FIELD_TARGET, kInt32, {3}, {}}};
  uint64_t num_samples = 100;
  std::vector<uint64_t> block_starts;
  std::optional<std::function<uint64_t(uint64_t id)>> targets_of;            // set: offers trainhost.data_lengths/1
  std::function<int64_t(uint64_t id)> size_of = [](uint64_t) { return 1; };  // of varying axes
  std::function<trainhost_status(uint64_t id)> before_sample = [](uint64_t) { return TRAINHOST_OK; };
  std::function<void()> before_read = [] {};
  /// The value of one integer element.
  std::function<int64_t(uint64_t id, uint64_t key, size_t field, size_t element)> value = [](uint64_t id, uint64_t key, size_t field, size_t element) {
    return static_cast<int64_t>(id * 1000003 + key + field * 101 + element);
  };
  uint32_t skipped_field = ~0u;  // is never reserved
  uint32_t times_reserved = 1;

  std::atomic<uint64_t> samples_read = 0;

  /// Inside of a read: what a plugin learns from trainhost.call/1.
  bool is_call_cancelled() const {
    const auto* call = static_cast<const trainhost_call*>(borrowed_.host->get_service(borrowed_.host, TRAINHOST_CALL));
    return call->is_cancelled(borrowed_.host) != 0;
  }

  /// Inside of a read: what a plugin tells through trainhost.data_stages/1.
  void add_stage(int32_t stage, uint64_t nanoseconds) const {
    static_cast<const trainhost_data_stages*>(borrowed_.host->get_service(borrowed_.host, TRAINHOST_DATA_STAGES))->add(borrowed_.host, stage, nanoseconds);
  }
  const Instance& instance() const { return *instance_; }

  DataSource& source() {
    if (source_) return *source_;
    borrowed_.c = {sizeof borrowed_.c, 0, this, &get_interface, nullptr, nullptr, [](trainhost_instance*) {}};
    instance_ = Instance::create(fake_record("data_source/fake"), format("{{\"instance\":{}}}", reinterpret_cast<uintptr_t>(&borrowed_)));
    instance_->start(facts_);
    source_.emplace(*instance_);
    source_->info();
    return *source_;
  }

 private:
  static FakeSource& of(trainhost_instance* instance) { return *static_cast<FakeSource*>(instance->impl); }

  static const void* get_interface(trainhost_instance* instance, const char* id) {
    static constexpr trainhost_data_source kTable{sizeof(trainhost_data_source), 0, &info, &read};
    static constexpr trainhost_data_lengths kLengths{sizeof(trainhost_data_lengths), 0, &lengths};
    if (std::strcmp(id, TRAINHOST_DATA_SOURCE) == 0) return &kTable;
    if (std::strcmp(id, TRAINHOST_DATA_LENGTHS) == 0 && of(instance).targets_of) return &kLengths;
    return nullptr;
  }

  static trainhost_status info(trainhost_instance* instance, trainhost_source_info* out, trainhost_error*) {
    FakeSource& self = of(instance);
    self.c_fields_.clear();
    self.c_pointers_.clear();
    for (const Field& field : self.fields) {
      trainhost_field c{
          sizeof(trainhost_field), field.role,     {field.name.data(), field.name.size()}, field.dtype, static_cast<int32_t>(field.shape.size()), {}, {},
          field.num_classes,       field.pad_value};
      const auto& most = field.max_shape.empty() ? field.shape : field.max_shape;
      std::copy(field.shape.begin(), field.shape.end(), c.shape);
      std::copy(most.begin(), most.end(), c.max_shape);
      self.c_fields_.push_back(c);
    }
    for (const trainhost_field& field : self.c_fields_) self.c_pointers_.push_back(&field);
    *out = {sizeof *out,
            static_cast<uint32_t>(self.fields.size()),
            self.c_pointers_.data(),
            self.num_samples,
            self.block_starts.size(),
            self.block_starts.empty() ? nullptr : self.block_starts.data(),
            {}};
    return TRAINHOST_OK;
  }

  static trainhost_status read(trainhost_instance* instance, const trainhost_read* read, const trainhost_batch_writer* writer, trainhost_error* error) {
    FakeSource& self = of(instance);
    self.before_read();
    for (uint64_t sample = 0; sample < read->num_samples; ++sample) {
      ++self.samples_read;
      const trainhost_status status = self.before_sample(read->ids[sample]);
      if (status != TRAINHOST_OK) return fail(error, status, "made to fail");
      for (uint32_t field = 0; field < self.fields.size(); ++field) {
        const trainhost_status written = self.write(*writer, sample, read->ids[sample], read->random_keys[sample], field, error);
        if (written != TRAINHOST_OK) return written;
      }
    }
    return TRAINHOST_OK;
  }

  trainhost_status write(const trainhost_batch_writer& writer, uint64_t sample, uint64_t id, uint64_t key, uint32_t field, trainhost_error* error) const {
    std::vector<int64_t> shape = fields[field].shape;
    for (int64_t& length : shape) length = length < 0 ? size_of(id) : length;
    for (uint32_t time = 0; time < (field == skipped_field ? 0 : times_reserved); ++time) {
      trainhost_tensor out{};
      const trainhost_status status = writer.reserve(writer.impl, sample, field, shape.data(), &out, error);
      if (status != TRAINHOST_OK) return status;
      if (reinterpret_cast<uintptr_t>(out.data) % 64 != 0) return fail(error, TRAINHOST_INTERNAL, "the place is not aligned");
      const size_t bytes = element_bytes(out.dtype);
      for (size_t element = 0; element < num_elements(shape); ++element) {
        const int64_t number = value(id, key, field, element);  // little endian: the low bytes come first
        std::memcpy(static_cast<std::byte*>(out.data) + element * bytes, &number, bytes);
      }
    }
    return TRAINHOST_OK;
  }

  static trainhost_status lengths(trainhost_instance* instance, const uint64_t* ids, uint64_t num_ids, uint64_t* out, trainhost_error*) {
    for (uint64_t i = 0; i < num_ids; ++i) out[i] = (*of(instance).targets_of)(ids[i]);
    return TRAINHOST_OK;
  }

  static trainhost_status fail(trainhost_error* error, trainhost_status status, const char* words) {
    error->message_length = static_cast<uint32_t>(std::strlen(words));
    std::memcpy(error->message, words, error->message_length);
    return status;
  }

  BorrowedInstance borrowed_;
  std::vector<trainhost_field> c_fields_;
  std::vector<const trainhost_field*> c_pointers_;
  RunFacts facts_;
  std::unique_ptr<Instance> instance_;
  std::optional<DataSource> source_;
};

/// The bytes of a batch, field by field.
struct FakeBatch : DeviceBatch {
  HostBatch host;

  template <class T>
  std::vector<T> field(size_t index) const {
    std::vector<T> out(host.fields[index].bytes / sizeof(T));
    std::memcpy(out.data(), host.fields[index].data, out.size() * sizeof(T));
    return out;
  }
  std::string bytes() const {
    std::string out;
    for (const HostField& field : host.fields) out.append(reinterpret_cast<const char*>(field.data), field.bytes);
    return out;
  }
};

inline const FakeBatch& as_fake(const DeviceBatch& batch) { return static_cast<const FakeBatch&>(batch); }

class FakeDevice : public BatchDevice {
 public:
  std::atomic<uint64_t> held_bytes = 0, peak_bytes = 0, num_allocations = 0, num_uploads = 0;

  std::shared_ptr<std::byte> allocate(size_t bytes) override {
    const uint64_t held = held_bytes += bytes;
    for (uint64_t peak = peak_bytes; held > peak && !peak_bytes.compare_exchange_weak(peak, held);) continue;
    ++num_allocations;
    return {static_cast<std::byte*>(::operator new (bytes, std::align_val_t{64})), [this, bytes](std::byte* data) {
              held_bytes -= bytes;
              ::operator delete (data, std::align_val_t{64});
            }};
  }
  std::unique_ptr<DeviceBatch> upload(HostBatch batch) override {
    auto out = std::make_unique<FakeBatch>();
    out->num_samples = batch.num_samples;
    out->num_targets = batch.num_targets;
    out->host = std::move(batch);
    ++num_uploads;
    return out;
  }
};

/// The message of the Error that `body` throws with this code; empty when it throws none or another one.
template <class Body>
std::string message_of(ExitCode code, Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.code() == code ? error.what() : "";
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace trainhost::testing
