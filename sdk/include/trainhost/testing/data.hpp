// Reads from a data source under test into plain vectors, and moves objects in and out of a checkpoint backend under test.
#pragma once

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "trainhost/checkpoint_backend.h"
#include "trainhost/data_source.h"
#include "trainhost/testing/plugin.hpp"

namespace trainhost::testing {

// One field of one sample as it was written.
struct FieldValue {
  trainhost_dtype dtype{};
  std::vector<std::int64_t> shape, strides;
  std::vector<char> storage;  // 64 bytes longer than the value
  char* data = nullptr;
  std::uint64_t num_bytes = 0;

  template <class T>
  std::vector<T> as() const {
    std::vector<T> out(num_bytes / sizeof(T));
    if (!out.empty()) std::memcpy(out.data(), data, out.size() * sizeof(T));
    return out;
  }
};
using Sample = std::vector<FieldValue>;

inline trainhost_source_info source_info(const PluginUnderTest& source) {
  trainhost_source_info info{};
  info.struct_size = sizeof info;
  call(source.table<trainhost_data_source>(TRAINHOST_DATA_SOURCE).info, source.c(), &info);
  return info;
}

// Reads the samples; throws what the source failed with, and when it left a field out or gave a shape that the field does not allow.
inline std::vector<Sample> read(const PluginUnderTest& source, const std::vector<std::uint64_t>& ids, std::vector<std::uint64_t> random_keys = {}) {
  struct Sink {
    trainhost_source_info info;
    std::vector<Sample> samples;
    static trainhost_status reserve(void* impl, std::uint64_t sample, std::uint32_t field, const std::int64_t* shape, trainhost_tensor* out,
                                    trainhost_error* error) {
      Sink& self = *static_cast<Sink*>(impl);
      return detail::guard(error, [&] {
        if (sample >= self.samples.size() || field >= self.info.num_fields) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "reserve: no such sample or field");
        const trainhost_field& described = *self.info.fields[field];
        FieldValue& value = self.samples[sample][field];
        if (value.data) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "reserve: this field was reserved before");
        value.dtype = described.dtype, value.num_bytes = described.dtype.bits / 8u;
        for (int axis = 0; axis < described.ndim; ++axis) {
          const std::int64_t fixed = described.shape[axis], bound = fixed >= 0 ? fixed : described.max_shape[axis];
          if (shape[axis] < 0 || (fixed >= 0 && shape[axis] != fixed) || (bound >= 0 && shape[axis] > bound))
            throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("reserve: field {}, axis {}: {} is not allowed", view(described.name), axis, shape[axis]));
          value.shape.push_back(shape[axis]);
          value.num_bytes *= static_cast<std::uint64_t>(shape[axis]);
        }
        value.storage.resize(value.num_bytes + 64);
        value.data = value.storage.data() + (64 - reinterpret_cast<std::uintptr_t>(value.storage.data()) % 64) % 64;
        value.strides.assign(value.shape.size(), 1);
        for (std::size_t axis = value.shape.size(); axis-- > 1;) value.strides[axis - 1] = value.strides[axis] * value.shape[axis];
        *out = {value.data, TRAINHOST_DEVICE_CPU, 0, described.ndim, described.dtype, value.shape.data(), value.strides.data(), 0};
      });
    }
  } sink{source_info(source), {}};
  sink.samples.assign(ids.size(), Sample(sink.info.num_fields));
  random_keys.resize(ids.size());
  const trainhost_read wanted{sizeof(trainhost_read), 0, ids.size(), ids.data(), random_keys.data()};
  const trainhost_batch_writer writer{&sink, &Sink::reserve};
  call(source.table<trainhost_data_source>(TRAINHOST_DATA_SOURCE).read, source.c(), &wanted, &writer);
  for (const Sample& sample : sink.samples)
    for (const FieldValue& value : sample)
      if (!value.data) throw PluginError(TRAINHOST_INTERNAL, "read: a field was not reserved");
  return std::move(sink.samples);
}

inline const trainhost_checkpoint_backend& backend(const PluginUnderTest& plugin) {
  return plugin.table<trainhost_checkpoint_backend>(TRAINHOST_CHECKPOINT_BACKEND);
}

// Puts an object in parts of the size that the backend asks for. crc32c: the caller's function over one part.
template <class Crc>
void put(const PluginUnderTest& plugin, std::string_view key, std::string_view bytes, Crc&& crc32c, std::uint64_t part_bytes = 1 << 20) {
  trainhost_put* put = nullptr;
  call(backend(plugin).put_begin, plugin.c(), c_string(key), bytes.size(), &part_bytes, &put);
  const std::unique_ptr<char, decltype(&std::free)> aligned(static_cast<char*>(std::aligned_alloc(4096, (part_bytes + 4095) / 4096 * 4096)), &std::free);
  for (std::uint64_t offset = 0; offset < bytes.size(); offset += part_bytes) {
    const std::string_view part = bytes.substr(offset, part_bytes);
    std::memcpy(aligned.get(), part.data(), part.size());
    try {
      call(backend(plugin).put_part, put, offset, static_cast<const void*>(aligned.get()), part.size(), crc32c(part));
    } catch (...) {
      backend(plugin).put_abort(put);
      throw;
    }
  }
  call(backend(plugin).put_commit, put);
}

inline std::string get(const PluginUnderTest& plugin, std::string_view key, std::uint64_t offset = 0, std::uint64_t size = 1 << 20) {
  std::string out(size, '\0');
  std::uint64_t got = 0;
  call(backend(plugin).get, plugin.c(), c_string(key), offset, static_cast<void*>(out.data()), size, &got);
  out.resize(got);
  return out;
}

inline void create_object(const PluginUnderTest& plugin, std::string_view key, std::string_view bytes) {
  call(backend(plugin).create, plugin.c(), c_string(key), static_cast<const void*>(bytes.data()), bytes.size());
}

inline std::vector<std::pair<std::string, std::uint64_t>> list(const PluginUnderTest& plugin, std::string_view prefix = {}) {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  const auto visit = [](void* context, const trainhost_object* object) -> std::int32_t {
    static_cast<decltype(out)*>(context)->emplace_back(view(object->key), object->size);
    return 0;
  };
  call(backend(plugin).list, plugin.c(), c_string(prefix), static_cast<void*>(&out), +visit);
  return out;
}

}  // namespace trainhost::testing
