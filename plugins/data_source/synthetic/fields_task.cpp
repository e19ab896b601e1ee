#include "fields_task.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include <trainhost/cpp/error.hpp>

#include "fields/field_text.h"
#include "tasks.h"

namespace trainhost {
namespace {

constexpr uint64_t kFieldPurpose = 16;  // beyond those of the other tasks; one for each field
constexpr std::string_view kForm = "NAME FORMAT [SIZES] with role=, classes= and pad= behind it, as `trainhost model info` shows";

struct Format {
  std::string_view name, safetensors;
};
constexpr std::array<Format, 8> kFormats = {{{"bool", "BOOL"}, {"uint8", "U8"}, {"int8", "I8"}, {"int16", "I16"}, {"int32", "I32"}, {"int64", "I64"}, {"float32", "F32"}, {"float64", "F64"}}};

const Format* find_format(std::string_view name) {
  const auto found = std::find_if(kFormats.begin(), kFormats.end(), [&](const Format& one) { return one.name == name; });
  return found == kFormats.end() ? nullptr : &*found;
}

template <class T, class Draw>
void fill_with(std::byte* out, size_t count, const Draw& draw) {
  for (size_t i = 0; i < count; ++i) {
    const T value = static_cast<T>(draw());
    std::memcpy(out + i * sizeof value, &value, sizeof value);
  }
}

std::string header_of(const std::vector<Field>& fields, uint64_t count) {
  std::string header = "{";
  uint64_t offset = 0;
  for (const Field& field : fields) {
    std::string shape = format("{}", count);
    for (const int64_t axis : field.shape) shape += format(",{}", axis);
    const uint64_t end = offset + count * num_elements(field) * field.dtype.bits / 8;
    header += format("{}\"{}\":{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", header.size() > 1 ? "," : "", field.name,
                     find_format(name_of(field.dtype))->safetensors, shape, offset, end);
    offset = end;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return header;
}

}  // namespace

Field parse_field(std::string_view text) {
  FieldText line("synthetic: fields", text, kForm);
  Field field{line.name()};
  const std::string_view dtype = line.word();
  if (!find_format(dtype)) throw line.wrong(format("\"{}\" is no number format: bool, uint8, int8, int16, int32, int64, float32, float64", dtype));
  field.dtype = *find_dtype(dtype);
  field.shape = field.max_shape = line.sizes();
  field.pad_value = kNoPad;
  line.options(field);
  settle_pad(field);
  return field;
}

size_t FieldsTask::bytes_of(size_t field) const { return num_elements(fields_[field]) * fields_[field].dtype.bits / 8; }

void FieldsTask::fill(uint64_t id, size_t index, std::byte* out) const {
  const Field& field = fields_[index];
  const size_t count = num_elements(field);
  RandomStream random(seed_, kFieldPurpose + index, id);
  const auto real = [&] { return random.normal(); };
  const auto whole = [&] { return random.below(field.num_classes > 0 ? static_cast<uint64_t>(field.num_classes) : 2); };
  const bool is_real = field.dtype.code == TRAINHOST_DTYPE_FLOAT;
  switch (field.dtype.bits) {
    case 8: return fill_with<uint8_t>(out, count, whole);
    case 16: return fill_with<uint16_t>(out, count, whole);
    case 32: return is_real ? fill_with<float>(out, count, real) : fill_with<uint32_t>(out, count, whole);
    default: return is_real ? fill_with<double>(out, count, real) : fill_with<uint64_t>(out, count, whole);
  }
}

void FieldsTask::write(const std::filesystem::path& path, uint64_t first_id, uint64_t count) const {
  const std::string header = header_of(fields_, count);
  const uint64_t header_bytes = header.size();
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes).write(header.data(), static_cast<std::streamsize>(header.size()));
  for (size_t field = 0; field < fields_.size(); ++field) {
    std::vector<std::byte> value(bytes_of(field));
    for (uint64_t id = first_id; id < first_id + count && out; ++id) {
      fill(id, field, value.data());
      out.write(reinterpret_cast<const char*>(value.data()), static_cast<std::streamsize>(value.size()));
    }
  }
  if (!out.flush()) throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("synthetic: write_to: {} cannot be written; choose a folder that exists and has room", path));
}

}  // namespace trainhost
