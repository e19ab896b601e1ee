// Writing and strict reading of safetensors headers.
#include "checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <set>

#include <nlohmann/json.hpp>

#include <trainhost/format.hpp>

namespace trainhost {
namespace {

using nlohmann::json;
static_assert(std::endian::native == std::endian::little, "the format is little-endian and its data are used in place");

constexpr uint64_t kLengthBytes = 8;
constexpr const char* kMetadataKey = "__metadata__";

struct Dtype {
  std::string_view name;
  uint64_t bits;
};
constexpr std::array kDtypes{
    Dtype{"BOOL", 8},    Dtype{"F4", 4},      Dtype{"F6_E2M3", 6}, Dtype{"F6_E3M2", 6},     Dtype{"U8", 8},          Dtype{"I8", 8},   Dtype{"F8_E5M2", 8}, Dtype{"F8_E4M3", 8},
    Dtype{"F8_E8M0", 8}, Dtype{"F8_E4M3FNUZ", 8}, Dtype{"F8_E5M2FNUZ", 8}, Dtype{"I16", 16}, Dtype{"U16", 16}, Dtype{"F16", 16}, Dtype{"BF16", 16}, Dtype{"I32", 32},
    Dtype{"U32", 32},    Dtype{"F32", 32},    Dtype{"C64", 64},    Dtype{"F64", 64},        Dtype{"I64", 64},        Dtype{"U64", 64}};

template <class... Values>
[[noreturn]] void fail(std::string_view text, const Values&... values) {
  throw SafetensorsError(format(text, values...));
}

/// Bytes that shape and dtype demand. Throws for what cannot be: overflow, a size that is no whole number of bytes.
uint64_t size_of(const TensorView& tensor) {
  const uint64_t bits = safetensors_bits(tensor.dtype);
  if (bits == 0) fail("tensor {}: unknown dtype {}", tensor.name, tensor.dtype);
  uint64_t total = bits;
  for (const int64_t extent : tensor.shape) {
    if (extent < 0) fail("tensor {}: negative extent {}", tensor.name, extent);
    if (__builtin_mul_overflow(total, static_cast<uint64_t>(extent), &total)) fail("tensor {}: shape overflows", tensor.name);
  }
  if (total % 8 != 0) fail("tensor {}: {} bits are no whole number of bytes", tensor.name, total);
  return total / 8;
}

void check_writable(std::span<const TensorView> tensors) {
  std::set<std::string_view> names;
  for (const TensorView& tensor : tensors) {
    if (tensor.name == kMetadataKey) fail("tensor name {} is reserved", tensor.name);
    if (!names.insert(tensor.name).second) fail("tensor {}: the name is there twice", tensor.name);
    if (const uint64_t wanted = size_of(tensor); wanted != tensor.bytes) fail("tensor {}: {} bytes, shape and dtype want {}", tensor.name, tensor.bytes, wanted);
  }
}

uint64_t whole_number(const json& value, const std::string& place) {
  if (!value.is_number_unsigned()) fail("{}: want a whole number, got {}", place, value.dump());
  return value.get<uint64_t>();
}

/// JSON text of the header. nlohmann takes the last of two equal keys without a word, so keys are watched while it parses.
json parse_header(std::string_view text) {
  std::vector<std::set<std::string>> open_objects;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > 3) fail("header: nested too deeply");
    if (event == json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == json::parse_event_t::object_end) open_objects.pop_back();
    if (event == json::parse_event_t::key && !open_objects.back().insert(parsed.get<std::string>()).second) fail("header: key {} is there twice", parsed.get<std::string>());
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), watch);
  } catch (const json::exception& error) {
    fail("header is no JSON: {}", error.what());
  }
}

struct Entry {
  TensorView tensor;
  uint64_t begin = 0, end = 0;
};

Entry parse_entry(const std::string& name, const json& value) {
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") || !value.contains("data_offsets"))
    fail("tensor {}: want exactly dtype, shape and data_offsets", name);
  const json &dtype = value["dtype"], &shape = value["shape"], &offsets = value["data_offsets"];
  if (!dtype.is_string() || !shape.is_array() || !offsets.is_array() || offsets.size() != 2) fail("tensor {}: dtype, shape or data_offsets is of the wrong type", name);
  Entry entry;
  entry.tensor.name = name;
  entry.tensor.dtype = dtype.get<std::string>();
  for (const json& extent : shape) {
    const uint64_t number = whole_number(extent, "tensor " + name + ": shape");
    if (number > INT64_MAX) fail("tensor {}: extent {} is too large", name, number);
    entry.tensor.shape.push_back(static_cast<int64_t>(number));
  }
  entry.begin = whole_number(offsets[0], "tensor " + name + ": data_offsets");
  entry.end = whole_number(offsets[1], "tensor " + name + ": data_offsets");
  if (entry.end < entry.begin) fail("tensor {}: ends at {} before it begins at {}", name, entry.end, entry.begin);
  entry.tensor.bytes = size_of(entry.tensor);
  if (entry.end - entry.begin != entry.tensor.bytes) fail("tensor {}: {} bytes, shape and dtype want {}", name, entry.end - entry.begin, entry.tensor.bytes);
  return entry;
}

void parse_metadata(const json& value, std::map<std::string, std::string>& out) {
  if (!value.is_object()) fail("{}: want an object", kMetadataKey);
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) fail("{}: {} is no string", kMetadataKey, key);
    out[key] = text.get<std::string>();
  }
}

/// `begin`: the first bytes of a file of `file_bytes`, the header at least.
std::string_view header_text(std::span<const std::byte> begin, uint64_t file_bytes) {
  if (begin.size() < kLengthBytes) fail("header: the file has {} bytes, the length alone takes 8", begin.size());
  uint64_t length = 0;
  std::memcpy(&length, begin.data(), kLengthBytes);
  if (length > kSafetensorsMaxHeader) fail("header: length {} is over the limit of {}", length, kSafetensorsMaxHeader);
  if (length > file_bytes - kLengthBytes) fail("header: length {} goes past the end of the file ({} bytes)", length, file_bytes);
  if (length > begin.size() - kLengthBytes) fail("header: length {} goes past the {} bytes that were read", length, begin.size());
  std::string_view text(reinterpret_cast<const char*>(begin.data()) + kLengthBytes, length);
  text = text.substr(0, text.find_last_not_of(' ') + 1);
  if (!text.starts_with('{') || !text.ends_with('}')) fail("header: does not begin with {{ and end with }} and spaces");
  return text;
}

/// The entries must fill `data_bytes` from end to end.
void check_tiling(std::vector<Entry>& entries, uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end, a.tensor.name) < std::tie(b.begin, b.end, b.tensor.name); });
  uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at) fail("tensor {}: begins at {}, the one before ends at {} ({})", entry.tensor.name, entry.begin, at, entry.begin < at ? "overlap" : "hole");
    at = entry.end;
  }
  if (at != data_bytes) fail("the tensors end at {}, the data at {}", at, data_bytes);
}

}  // namespace

uint64_t safetensors_bits(std::string_view dtype) {
  const auto found = std::find_if(kDtypes.begin(), kDtypes.end(), [&](const Dtype& known) { return known.name == dtype; });
  return found == kDtypes.end() ? 0 : found->bits;
}

SafetensorsLayout lay_out_safetensors(std::span<const TensorView> tensors, const std::map<std::string, std::string>& metadata) {
  check_writable(tensors);
  SafetensorsLayout layout;
  layout.tensors.assign(tensors.begin(), tensors.end());
  std::sort(layout.tensors.begin(), layout.tensors.end(), [](const TensorView& a, const TensorView& b) {
    const uint64_t a_bits = safetensors_bits(a.dtype), b_bits = safetensors_bits(b.dtype);
    return a_bits != b_bits ? a_bits > b_bits : a.name < b.name;
  });
  json header = json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  uint64_t at = 0;
  for (const TensorView& tensor : layout.tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {at, at + tensor.bytes}}};
    at += tensor.bytes;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception&) {
    fail("a tensor's name is not UTF-8");
  }
  text.resize((kLengthBytes + text.size() + kSafetensorsAlignment - 1) / kSafetensorsAlignment * kSafetensorsAlignment - kLengthBytes, ' ');
  if (text.size() > kSafetensorsMaxHeader) fail("header: {} bytes are over the limit of {}", text.size(), kSafetensorsMaxHeader);
  const uint64_t length = text.size();
  layout.header.assign(reinterpret_cast<const char*>(&length), kLengthBytes);
  layout.header += text;
  layout.bytes = layout.header.size() + at;
  return layout;
}

/// `place` makes an entry's data pointer.
template <class Place>
static SafetensorsFile read_entries(std::span<const std::byte> begin, uint64_t file_bytes, const Place& place) {
  const json header = parse_header(header_text(begin, file_bytes));
  SafetensorsFile result;
  uint64_t length = 0;
  std::memcpy(&length, begin.data(), kLengthBytes);
  result.header_bytes = kLengthBytes + length;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadataKey) parse_metadata(value, result.metadata);
    else entries.push_back(parse_entry(name, value));
  }
  check_tiling(entries, file_bytes - result.header_bytes);
  for (Entry& entry : entries) {
    entry.tensor.data = place(result.header_bytes + entry.begin);
    result.tensors.push_back(std::move(entry.tensor));
  }
  return result;
}

SafetensorsFile read_safetensors(std::span<const std::byte> file) {
  return read_entries(file, file.size(), [&](uint64_t offset) { return file.data() + offset; });
}

SafetensorsFile read_safetensors_header(std::span<const std::byte> header, uint64_t file_bytes) {
  return read_entries(header, file_bytes, [](uint64_t) { return static_cast<const std::byte*>(nullptr); });
}

}  // namespace trainhost
