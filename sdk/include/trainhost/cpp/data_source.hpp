// Data sources in C++; what the calls mean: trainhost/data_source.h.
#pragma once

#include <array>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "trainhost/cpp/field.hpp"
#include "trainhost/cpp/instance.hpp"
#include "trainhost/data_source.h"

namespace trainhost::inline sdk {

// What a source is made of; see trainhost_source_info.
struct SourceInfo {
  std::vector<Field> fields;
  std::uint64_t num_samples = 0;
  std::vector<std::uint64_t> block_starts;  // empty = one block
  std::array<std::uint8_t, 32> fingerprint{};
};

// A place to fill: dense, 64-byte aligned; place and shape are the host's memory until read returns.
struct Tensor {
  void* data;
  trainhost_dtype dtype;
  std::span<const std::int64_t> shape;

  std::uint64_t num_elements() const {
    std::uint64_t count = 1;
    for (const auto size : shape) count *= static_cast<std::uint64_t>(size);
    return count;
  }
  // The elements as T, which must have the size of the dtype.
  template <class T>
  std::span<T> as() const {
    if (sizeof(T) * 8 != dtype.bits) throw PluginError(TRAINHOST_INTERNAL, format("a field of {} bits was taken as {} bits", dtype.bits, sizeof(T) * 8));
    return {static_cast<T*>(data), num_elements()};
  }
};

class BatchWriter {
 public:
  explicit BatchWriter(const trainhost_batch_writer* writer) : writer_(writer) {}

  // The place of one field of one sample. sample_index: position in the ids of this read; field: position in SourceInfo::fields. Throws when the shape is
  // not allowed. Different (sample, field) may be reserved from different threads.
  Tensor reserve(std::uint64_t sample_index, std::uint32_t field, std::span<const std::int64_t> shape) const {
    trainhost_tensor tensor{};
    call(writer_->reserve, writer_->impl, sample_index, field, shape.data(), &tensor);
    return {static_cast<char*>(tensor.data) + tensor.byte_offset, tensor.dtype, {tensor.shape, static_cast<std::size_t>(tensor.ndim)}};
  }
  Tensor reserve(std::uint64_t sample_index, std::uint32_t field, std::initializer_list<std::int64_t> shape) const {
    return reserve(sample_index, field, std::span<const std::int64_t>(shape.begin(), shape.size()));
  }

 private:
  const trainhost_batch_writer* writer_;
};

class DataSource : public Plugin {
 public:
  static constexpr std::string_view kKind = "data_source";

  // The same answer each time; the reference lives as long as the source. [main] after start
  virtual const SourceInfo& info() = 0;

  // Reserves and fills every field of every sample; all or a throw. ids are below info().num_samples. random_keys[i] is the only randomness for sample i. [io]
  virtual void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t> random_keys, BatchWriter& out) = 0;

  const void* interface(std::string_view id) override;

 private:
  const trainhost_source_info& c_info_of(const SourceInfo& info) {
    c_fields_.clear(), c_field_pointers_.clear();
    for (const Field& field : info.fields) c_fields_.push_back(c_field(field));
    for (const trainhost_field& field : c_fields_) c_field_pointers_.push_back(&field);
    c_info_ = {sizeof(trainhost_source_info), static_cast<std::uint32_t>(c_fields_.size()), c_field_pointers_.data(), info.num_samples,
               info.block_starts.size(), info.block_starts.empty() ? nullptr : info.block_starts.data(), {}};
    std::copy(info.fingerprint.begin(), info.fingerprint.end(), c_info_.fingerprint);
    return c_info_;
  }
  static trainhost_field c_field(const Field& field) {
    const auto& max_shape = field.max_shape.empty() ? field.shape : field.max_shape;
    if (field.shape.size() > 8 || max_shape.size() != field.shape.size())
      throw PluginError(TRAINHOST_INTERNAL,
                        format("field {}: {} axes and {} bounds, wanted the same number, at most 8", field.name, field.shape.size(), max_shape.size()));
    trainhost_field out{sizeof(trainhost_field), field.role, c_string(field.name), field.dtype, static_cast<std::int32_t>(field.shape.size()),
                        {}, {}, field.num_classes, field.pad_value};
    std::copy(field.shape.begin(), field.shape.end(), out.shape);
    std::copy(max_shape.begin(), max_shape.end(), out.max_shape);
    return out;
  }

  static trainhost_status c_info(trainhost_instance* instance, trainhost_source_info* out, trainhost_error* error) noexcept {
    return detail::guard(error, [&] {
      auto& self = detail::object<DataSource>(instance);
      const SourceInfo& info = self.info();
      if (!self.c_info_.struct_size) self.c_info_of(info);
      detail::write_struct(out, self.c_info_);
    });
  }
  static trainhost_status c_read(trainhost_instance* instance, const trainhost_read* read, const trainhost_batch_writer* writer,
                                 trainhost_error* error) noexcept {
    return detail::guard(error, [&] {
      auto& self = detail::object<DataSource>(instance);
      const std::uint64_t num_samples = self.info().num_samples;
      for (std::uint64_t i = 0; i < read->num_samples; ++i)
        if (read->ids[i] >= num_samples)
          throw PluginError(TRAINHOST_OUT_OF_RANGE, format("read: there is no sample {}, ids are 0 to {}", read->ids[i], num_samples - 1));
      BatchWriter out(writer);
      self.read({read->ids, read->num_samples}, {read->random_keys, read->num_samples}, out);
    });
  }
  static constexpr trainhost_data_source kTable{sizeof(trainhost_data_source), 0, &c_info, &c_read};

  trainhost_source_info c_info_{};
  std::vector<trainhost_field> c_fields_;
  std::vector<const trainhost_field*> c_field_pointers_;
};

// Optional beside DataSource: lengths without reading. out[i] = targets of sample ids[i] that count. [io]
class DataLengths {
 public:
  virtual ~DataLengths() = default;
  virtual void lengths(std::span<const std::uint64_t> ids, std::span<std::uint64_t> out) = 0;

 private:
  friend class DataSource;
  static trainhost_status c_lengths(trainhost_instance* instance, const std::uint64_t* ids, std::uint64_t num_ids, std::uint64_t* out,
                                    trainhost_error* error) noexcept {
    return detail::guard(error, [&] { detail::beside<DataLengths>(instance).lengths({ids, num_ids}, {out, num_ids}); });
  }
  static constexpr trainhost_data_lengths kTable{sizeof(trainhost_data_lengths), 0, &c_lengths};
};

// Optional beside DataSource: text to tokens and back. [any] after start
class Text {
 public:
  virtual ~Text() = default;
  virtual std::vector<std::int64_t> encode(std::string_view text) = 0;
  virtual std::string decode(std::span<const std::int64_t> tokens) = 0;

 private:
  friend class DataSource;
  template <class Result, class T>
  static void copy_out(const Result& result, T* out, std::uint64_t capacity, std::uint64_t* written) {
    std::copy_n(result.begin(), std::min<std::uint64_t>(capacity, result.size()), out);
    *written = result.size();
  }
  static trainhost_status c_encode(trainhost_instance* instance, trainhost_string text, std::int64_t* out, std::uint64_t capacity,
                                   std::uint64_t* written, trainhost_error* error) noexcept {
    return detail::guard(error, [&] { copy_out(detail::beside<Text>(instance).encode(view(text)), out, capacity, written); });
  }
  static trainhost_status c_decode(trainhost_instance* instance, const std::int64_t* tokens, std::uint64_t num_tokens, char* out,
                                   std::uint64_t capacity, std::uint64_t* written, trainhost_error* error) noexcept {
    return detail::guard(error, [&] { copy_out(detail::beside<Text>(instance).decode({tokens, num_tokens}), out, capacity, written); });
  }
  static constexpr trainhost_text kTable{sizeof(trainhost_text), 0, &c_encode, &c_decode};
};

inline const void* DataSource::interface(std::string_view id) {
  if (id == TRAINHOST_DATA_SOURCE) return &kTable;
  if (id == TRAINHOST_DATA_LENGTHS && dynamic_cast<DataLengths*>(this)) return &DataLengths::kTable;
  if (id == TRAINHOST_TEXT && dynamic_cast<Text*>(this)) return &Text::kTable;
  return nullptr;
}

}  // namespace trainhost::inline sdk
