// One small function for each kind.
#include "fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

#include "arrays/npy.h"
#include "fields/field_text.h"

namespace trainhost::tarshards {
namespace {

constexpr std::string_view kWanted = "NAME KIND EXTENSIONS [json=KEY] [max_bytes=N] [role=input|target|weight] [classes=N], KIND one of image, class, number, npy and bytes";
constexpr int64_t kMaxBytes = 65536, kLargestMaxBytes = int64_t{1} << 30;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(separator));
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(text.size(), part.size() + 1));
  }
  return parts;
}

PluginError damaged(std::string words) { return {TRAINHOST_DATA_LOSS, std::move(words)}; }

// The beginning of some content, for messages.
std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 24)) out += c >= ' ' && c < 127 ? c : '?';
  return text.size() > 24 ? out + "..." : out;
}

std::string shown(const nlohmann::json& value) { return shown(std::string_view(value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace))); }

std::string_view trimmed(std::span<const uint8_t> content) {
  std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
  constexpr std::string_view kSpace = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

template <class T>
T number_in_text(std::span<const uint8_t> content, const char* wanted) {
  const std::string_view text = trimmed(content);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) throw damaged(format("got \"{}\", wanted {}", shown(text), wanted));
  return value;
}

nlohmann::json value_in_json(std::span<const uint8_t> content, const std::vector<std::string>& path) {
  nlohmann::json value = nlohmann::json::parse(content.begin(), content.end(), nullptr, false);
  if (value.is_discarded()) throw damaged("no valid JSON");
  for (const std::string& key : path) {
    if (!value.is_object() || !value.contains(key)) throw damaged(format("the JSON has no key \"{}\"", key));
    nlohmann::json inner = std::move(value[key]);
    value = std::move(inner);
  }
  return value;
}

int64_t class_of(const MemberField& field, std::span<const uint8_t> content) {
  int64_t number = 0;
  if (field.json_path.empty()) {
    number = number_in_text<int64_t>(content, "a whole number");
  } else {
    const nlohmann::json value = value_in_json(content, field.json_path);
    if (!value.is_number_integer()) throw damaged(format("got {}, wanted a whole number", shown(value)));
    number = value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX ? -1 : value.get<int64_t>();
  }
  const int64_t end = field.field.num_classes > 0 ? field.field.num_classes : INT64_MAX;
  if (number < 0 || number >= end) throw damaged(format("class {} is not from 0 to {}", number, end - 1));
  return number;
}

float number_of(const MemberField& field, std::span<const uint8_t> content) {
  if (field.json_path.empty()) return static_cast<float>(number_in_text<double>(content, "a number"));
  const nlohmann::json value = value_in_json(content, field.json_path);
  if (!value.is_number()) throw damaged(format("got {}, wanted a number", shown(value)));
  return static_cast<float>(value.get<double>());
}

FieldKind kind_of(std::string_view word, const FieldText& text) {
  if (word == "image") return FieldKind::kImage;
  if (word == "class") return FieldKind::kClass;
  if (word == "number") return FieldKind::kNumber;
  if (word == "bytes") return FieldKind::kBytes;
  if (word == "npy") return FieldKind::kArray;
  throw text.wrong(format("unknown kind \"{}\"", word));
}

Field described(FieldKind kind, std::string name, int64_t num_classes, const images::ImageLoader& images) {
  switch (kind) {
    case FieldKind::kImage: return images.field(std::move(name));
    case FieldKind::kClass: return {std::move(name), TRAINHOST_FIELD_TARGET, kInt64, {}, {}, num_classes, -1};
    case FieldKind::kNumber: return {std::move(name), TRAINHOST_FIELD_INPUT, kFloat32};
    case FieldKind::kBytes: return {std::move(name), TRAINHOST_FIELD_INPUT, kUInt8, {-1}, {kMaxBytes}, 256, 0};
    case FieldKind::kArray: return {std::move(name), TRAINHOST_FIELD_INPUT, kInt64};  // settled by the first sample; until then classes= may be said
  }
  return {};
}

bool apply(const FieldText::Option& option, const FieldText& text, MemberField& out) {
  const bool may_be_json = out.kind == FieldKind::kClass || out.kind == FieldKind::kNumber;
  if (option.key == "json" && may_be_json) {
    out.json_path = split(option.value, '.');
    return !out.json_path.empty();
  }
  if (option.key != "max_bytes" || out.kind != FieldKind::kBytes) return false;
  const auto bytes = text.number<int64_t>(option.value);
  if (bytes < 1 || bytes > kLargestMaxBytes) throw text.wrong(format("max_bytes must be from 1 to {}, got {}", kLargestMaxBytes, bytes));
  out.field.max_shape = {bytes};
  return true;
}

StoredArray array_in(std::span<const uint8_t> content) {
  return read_npy({"the array", content.size(), [content](uint64_t offset, std::span<std::byte> out) {
                     const auto bytes = std::as_bytes(content).subspan(offset, out.size());
                     std::copy(bytes.begin(), bytes.end(), out.begin());
                   }});
}

bool has_shape(const StoredArray& array, const std::vector<int64_t>& shape) {
  return std::equal(array.shape.begin(), array.shape.end(), shape.begin(), shape.end(), [](uint64_t size, int64_t wanted) { return size == static_cast<uint64_t>(wanted); });
}

template <class Size>
std::string text_of(trainhost_dtype dtype, const std::vector<Size>& shape) {
  std::string out;
  for (const Size size : shape) out += format("{}{}", out.empty() ? "" : ", ", size);
  return format("{} [{}]", name_of(dtype), out);
}

void copy_array(const Field& field, std::span<const uint8_t> content, const Tensor& out) {
  const StoredArray array = array_in(content);
  if (!same(array.dtype, field.dtype) || !has_shape(array, field.shape))
    throw damaged(format("the array is {}, that of the first sample {}; all must be alike", text_of(array.dtype, array.shape), text_of(field.dtype, field.shape)));
  const auto elements = content.subspan(array.offset);
  if (same(array.dtype, kBool) && std::any_of(elements.begin(), elements.end(), [](uint8_t byte) { return byte > 1; })) throw damaged("the array holds bytes where true and false are 1 and 0");
  std::copy(elements.begin(), elements.end(), static_cast<uint8_t*>(out.data));
}

}  // namespace

void settle(MemberField& field, std::span<const uint8_t> content) {
  if (field.kind != FieldKind::kArray) return;
  const StoredArray array = array_in(content);
  constexpr size_t kMostAxes = 8;
  if (array.shape.size() > kMostAxes) throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("the array has {} axes, at most {} are taken", array.shape.size(), kMostAxes));
  if (std::find(array.shape.begin(), array.shape.end(), uint64_t{0}) != array.shape.end()) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "the array of the first sample holds nothing");
  if (field.field.num_classes > 0 && !is_integer(array.dtype))
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("the array holds {}, but its line speaks of classes; remove classes=", name_of(array.dtype)));
  field.field.dtype = array.dtype;
  field.field.shape.assign(array.shape.begin(), array.shape.end());
}

MemberField parse_field(std::string_view line, int64_t num_classes, const images::ImageLoader& images) {
  FieldText text("tarshards.fields", line, kWanted);
  MemberField out;
  std::string name = text.name();
  out.kind = kind_of(text.word(), text);
  out.extensions = split(text.word(), ',');
  if (out.extensions.empty()) throw text.wrong("no extension");
  for (std::string& extension : out.extensions)
    std::transform(extension.begin(), extension.end(), extension.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  out.field = described(out.kind, std::move(name), num_classes, images);
  text.options(out.field, [&](const FieldText::Option& option) { return apply(option, text, out); });
  return out;
}

void decode(const MemberField& field, std::span<const uint8_t> content, const Target& target, const images::ImageLoader& images, images::Workspace& workspace,
            BatchWriter& out) {
  const auto place = [&](std::span<const int64_t> shape) { return out.reserve(target.sample_index, target.field_index, shape); };
  switch (field.kind) {
    case FieldKind::kImage: return images.load(content, target.random_key, place(field.field.shape), workspace);
    case FieldKind::kClass: place({}).as<int64_t>()[0] = class_of(field, content); return;
    case FieldKind::kNumber: place({}).as<float>()[0] = number_of(field, content); return;
    case FieldKind::kArray: return copy_array(field.field, content, place(field.field.shape));
    case FieldKind::kBytes: {
      const int64_t size[] = {static_cast<int64_t>(content.size())};
      if (size[0] > field.field.max_shape[0]) throw damaged(format("{} bytes, more than max_bytes={}; raise it in tarshards.fields", size[0], field.field.max_shape[0]));
      std::copy(content.begin(), content.end(), place(size).as<uint8_t>().begin());
      return;
    }
  }
}

}  // namespace trainhost::tarshards
