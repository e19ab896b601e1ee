#include "misses.h"

#include <cstdlib>
#include <new>

#include <trainhost/cpp/error.hpp>

namespace trainhost::sample_cache {

trainhost_status MissWriter::reserve(void* impl, uint64_t sample, uint32_t field, const int64_t* shape, trainhost_tensor* out, trainhost_error* error) {
  auto& self = *static_cast<MissWriter*>(impl);
  if (sample >= self.positions_.size() || field >= self.num_fields_ || !out)
    return detail::fail(error, TRAINHOST_INVALID_ARGUMENT, format("sample_index {} of {}, field {} of {}", sample, self.positions_.size(), field, self.num_fields_));
  const trainhost_status status = self.batch_.reserve(self.batch_.impl, self.positions_[sample], field, shape, out, error);
  if (status == TRAINHOST_OK) self.tensors_[sample * self.num_fields_ + field] = *out;
  return status;
}

void OwnWriter::FreeMemory::operator()(void* memory) const { std::free(memory); }

trainhost_status OwnWriter::reserve(void* impl, uint64_t sample, uint32_t field, const int64_t* shape, trainhost_tensor* out, trainhost_error* error) {
  auto& self = *static_cast<OwnWriter*>(impl);
  return detail::guard(error, [&] {
    if (field >= self.layouts_.size() || sample >= self.places_.size() / self.layouts_.size()) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "there is no such sample or field");
    const FieldLayout& layout = self.layouts_[field];
    OwnPlace& place = self.places_[sample * self.layouts_.size() + field];
    place.shape.assign(shape, shape + layout.shape.size());
    place.strides.assign(place.shape.size(), 1);
    for (size_t axis = place.shape.size(); axis-- > 1;) place.strides[axis - 1] = place.strides[axis] * place.shape[axis];
    uint64_t bytes = layout.dtype.bits / 8u;
    for (const int64_t extent : place.shape)
      if (extent < 0 || __builtin_mul_overflow(bytes, static_cast<uint64_t>(extent), &bytes) || bytes > uint64_t{1} << 48)
        throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("field {} has no such shape", layout.name));
    place.memory.reset(std::aligned_alloc(64, (bytes / 64 + 1) * 64));
    if (!place.memory) throw std::bad_alloc();
    place.tensor = {place.memory.get(), TRAINHOST_DEVICE_CPU, 0, static_cast<int32_t>(place.shape.size()), layout.dtype, place.shape.data(), place.strides.data(), 0};
    *out = place.tensor;
  });
}

std::vector<trainhost_tensor> OwnWriter::fields_of(size_t sample) {
  std::vector<trainhost_tensor> fields;
  for (size_t field = 0; field < layouts_.size(); ++field) fields.push_back(places_[sample * layouts_.size() + field].tensor);
  return fields;
}

}  // namespace trainhost::sample_cache
