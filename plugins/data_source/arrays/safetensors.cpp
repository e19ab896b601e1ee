// The header of a .safetensors file, held against the whole file: no holes, no overlaps, nothing behind the last tensor.
#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "stored_array.h"

namespace trainhost {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMostHeaderBytes = 100'000'000;

struct Code {
  std::string_view name;
  trainhost_dtype dtype;
};
constexpr Code kCodes[] = {{"BOOL", {TRAINHOST_DTYPE_BOOL, 8, 1}},  {"U8", {TRAINHOST_DTYPE_UINT, 8, 1}},   {"I8", {TRAINHOST_DTYPE_INT, 8, 1}},
                           {"U16", {TRAINHOST_DTYPE_UINT, 16, 1}},  {"I16", {TRAINHOST_DTYPE_INT, 16, 1}},  {"U32", {TRAINHOST_DTYPE_UINT, 32, 1}},
                           {"I32", {TRAINHOST_DTYPE_INT, 32, 1}},   {"U64", {TRAINHOST_DTYPE_UINT, 64, 1}}, {"I64", {TRAINHOST_DTYPE_INT, 64, 1}},
                           {"F16", {TRAINHOST_DTYPE_FLOAT, 16, 1}}, {"BF16", {TRAINHOST_DTYPE_BFLOAT, 16, 1}}, {"F32", {TRAINHOST_DTYPE_FLOAT, 32, 1}},
                           {"F64", {TRAINHOST_DTYPE_FLOAT, 64, 1}}};

// The library keeps the last of two equal keys without a word.
Json parse(const InputFile& file, const std::string& text) {
  std::vector<std::set<std::string>> keys;
  const auto look = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) throw damaged(file, format("its header names {} twice", value.dump()));
    return true;
  };
  Json json = Json::parse(text, look, /*allow_exceptions=*/false);
  if (!json.is_object()) throw damaged(file, "its header is no JSON object");
  return json;
}

// Where the data of a tensor begins and ends, behind the header.
std::pair<uint64_t, uint64_t> offsets_of(const Json& entry) {
  const Json& offsets = entry.at("data_offsets");
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) throw std::invalid_argument("offsets");
  return {offsets[0].get<uint64_t>(), offsets[1].get<uint64_t>()};
}

// The data of all tensors must be the file's, end to end.
void check_places(const InputFile& file, const Json& header, uint64_t data_bytes) {
  std::vector<std::pair<uint64_t, uint64_t>> places;
  for (auto one = header.begin(); one != header.end(); ++one)
    if (one.key() != "__metadata__") places.push_back(offsets_of(one.value()));
  std::sort(places.begin(), places.end());
  uint64_t at = 0;
  for (const auto& [begin, end] : places) {
    if (begin != at || end < begin) throw damaged(file, format("its tensors overlap or leave holes at byte {} of the data", at));
    at = end;
  }
  if (at != data_bytes) throw damaged(file, format("its header wants {} bytes of data, {} are there", at, data_bytes));
}

StoredArray array_of(const InputFile& file, const std::string& name, const Json& entry, uint64_t data_begin) {
  const auto code = entry.at("dtype").get<std::string>();
  const auto known = std::find_if(std::begin(kCodes), std::end(kCodes), [&](const Code& one) { return one.name == code; });
  if (known == std::end(kCodes)) throw unsuitable(file, format("tensor \"{}\" has the number format {}, which a field cannot have", name, code));
  StoredArray array{known->dtype, {}, 0};
  for (const Json& size : entry.at("shape")) {
    if (!size.is_number_unsigned()) throw std::invalid_argument("shape");
    array.shape.push_back(size.get<uint64_t>());
  }
  const auto [begin, end] = offsets_of(entry);
  if (bytes_of(file, array) != end - begin) throw damaged(file, format("tensor \"{}\" needs {} bytes for its shape and has {}", name, bytes_of(file, array), end - begin));
  array.offset = data_begin + begin;
  return array;
}

std::string names_of(const Json& header) {
  std::string names;
  size_t count = 0;
  for (auto one = header.begin(); one != header.end() && count < 20; ++one)
    if (one.key() != "__metadata__") names += (count++ ? ", " : "") + one.key();
  return names;
}

}  // namespace

StoredArray read_safetensors(const InputFile& file, std::string_view name) {
  std::array<unsigned char, 8> start{};
  if (file.size() < start.size()) throw damaged(file, format("has {} bytes, a .safetensors file at least 8", file.size()));
  file.read(0, std::as_writable_bytes(std::span(start)));
  uint64_t header_bytes = 0;
  for (size_t i = 0; i < start.size(); ++i) header_bytes |= uint64_t{start[i]} << 8 * i;
  if (header_bytes > kMostHeaderBytes || header_bytes > file.size() - start.size())
    throw damaged(file, format("is no whole .safetensors file: its header says that it has {} bytes", header_bytes));
  std::string text(header_bytes, '\0');
  file.read(start.size(), std::as_writable_bytes(std::span(text)));

  const Json header = parse(file, text);
  const uint64_t data_begin = start.size() + header_bytes;
  try {
    check_places(file, header, file.size() - data_begin);
    const auto entry = name == "__metadata__" ? header.end() : header.find(std::string(name));
    if (entry == header.end()) throw PluginError(TRAINHOST_NOT_FOUND, format("{}: holds no tensor \"{}\"; it has {}", file.path(), name, names_of(header)));
    return array_of(file, entry.key(), entry.value(), data_begin);
  } catch (const PluginError&) {
    throw;
  } catch (const std::exception&) {  // a missing key or a value of another type
    throw damaged(file, "its header is no header of a .safetensors file");
  }
}

}  // namespace trainhost
