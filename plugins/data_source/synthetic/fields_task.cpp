#include "fields_task.h"

#include <array>
#include <charconv>
#include <cstring>
#include <fstream>

#include <trainhost/cpp/error.hpp>

#include "tasks.h"

namespace trainhost {
namespace {

constexpr uint64_t kFieldPurpose = 16;  // beyond those of the other tasks; one for each field

struct Format {
  std::string_view name, safetensors;
  trainhost_dtype dtype;
};
constexpr std::array<Format, 8> kFormats = {{{"bool", "BOOL", kBool}, {"uint8", "U8", kUInt8}, {"int8", "I8", kInt8}, {"int16", "I16", kInt16}, {"int32", "I32", kInt32},
                                            {"int64", "I64", kInt64}, {"float32", "F32", kFloat32}, {"float64", "F64", kFloat64}}};

PluginError wrong(std::string_view text, const std::string& words) {
  return {TRAINHOST_INVALID_ARGUMENT, format("synthetic: fields: \"{}\": {}; wanted NAME FORMAT [SIZES] with role=, classes= and pad= behind it, as `trainhost model info` shows", text, words)};
}

// The next word, and the rest without it.
std::string_view take_word(std::string_view& rest) {
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  return word;
}

template <class T>
T number(std::string_view whole, std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) throw wrong(whole, format("\"{}\" is no number", text));
  return value;
}

std::vector<int64_t> take_sizes(std::string_view whole, std::string_view& rest) {
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  const size_t end = rest.find(']');
  if (!rest.starts_with('[') || end == std::string_view::npos) throw wrong(whole, "it has no sizes in brackets; [] for one number");
  std::string_view sizes = rest.substr(1, end - 1);
  rest.remove_prefix(end + 1);
  std::vector<int64_t> out;
  constexpr int64_t kMost = int64_t{1} << 32;
  int64_t elements = 1;
  while (sizes.find_first_not_of(' ') != std::string_view::npos) {
    const size_t comma = std::min(sizes.find(','), sizes.size());
    out.push_back(number<int64_t>(whole, sizes.substr(0, comma)));
    if (out.back() < 1 || out.back() > kMost || (elements *= out.back()) > kMost) throw wrong(whole, "sizes must be at least 1, and a sample at most 2^32 elements");
    sizes.remove_prefix(std::min(comma + 1, sizes.size()));
  }
  return out;
}

void set_option(std::string_view whole, std::string_view word, Field& field) {
  const size_t equals = word.find('=');
  const std::string_view key = word.substr(0, equals), value = equals == std::string_view::npos ? "" : word.substr(equals + 1);
  if (key == "classes") {
    field.num_classes = number<int64_t>(whole, value);
    if (field.num_classes < 1 || field.dtype.code == TRAINHOST_DTYPE_FLOAT) throw wrong(whole, "classes are at least 1, and of whole numbers");
  } else if (key == "pad") {
    field.pad_value = number<double>(whole, value);
  } else if (key == "role" && (value == "input" || value == "target" || value == "weight")) {
    field.role = value == "input" ? TRAINHOST_FIELD_INPUT : value == "target" ? TRAINHOST_FIELD_TARGET : TRAINHOST_FIELD_WEIGHT;
  } else {
    throw wrong(whole, format("\"{}\" is not understood", word));
  }
}

size_t elements_of(const Field& field) {
  size_t count = 1;
  for (const int64_t axis : field.shape) count *= static_cast<size_t>(axis);
  return count;
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
    std::string shape = format("{}", count), code;
    for (const int64_t axis : field.shape) shape += format(",{}", axis);
    for (const Format& one : kFormats)
      if (same(one.dtype, field.dtype)) code = one.safetensors;
    const uint64_t end = offset + count * elements_of(field) * field.dtype.bits / 8;
    header += format("{}\"{}\":{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", header.size() > 1 ? "," : "", field.name, code, shape, offset, end);
    offset = end;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return header;
}

}  // namespace

Field parse_field(std::string_view text) {
  std::string_view rest = text;
  Field field{std::string(take_word(rest))};
  for (const char c : field.name)
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ') throw wrong(text, "a name has no quotes, backslashes or control characters");
  const std::string_view name = take_word(rest);
  const Format* found = nullptr;
  for (const Format& one : kFormats)
    if (one.name == name) found = &one;
  if (field.name.empty() || !found) throw wrong(text, format("\"{}\" is no number format: bool, uint8, int8, int16, int32, int64, float32, float64", name));
  field.dtype = found->dtype;
  field.shape = field.max_shape = take_sizes(text, rest);
  for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest)) set_option(text, word, field);
  return field;
}

size_t FieldsTask::bytes_of(size_t field) const { return elements_of(fields_[field]) * fields_[field].dtype.bits / 8; }

void FieldsTask::fill(uint64_t id, size_t index, std::byte* out) const {
  const Field& field = fields_[index];
  const size_t count = elements_of(field);
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
