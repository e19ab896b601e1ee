#include "fields/field_text.h"

#include <algorithm>
#include <cmath>

namespace trainhost {
namespace {

struct Named {
  std::string_view name;
  trainhost_dtype dtype;
};
constexpr Named kDtypes[] = {{"bool", kBool},
                             {"uint8", kUInt8},
                             {"uint16", {TRAINHOST_DTYPE_UINT, 16, 1}},
                             {"uint32", {TRAINHOST_DTYPE_UINT, 32, 1}},
                             {"uint64", {TRAINHOST_DTYPE_UINT, 64, 1}},
                             {"int8", kInt8},
                             {"int16", kInt16},
                             {"int32", kInt32},
                             {"int64", kInt64},
                             {"float16", kFloat16},
                             {"bfloat16", kBFloat16},
                             {"float32", kFloat32},
                             {"float64", kFloat64}};

void skip_spaces(std::string_view& text) { text.remove_prefix(std::min(text.find_first_not_of(' '), text.size())); }

}  // namespace

PluginError FieldText::wrong(std::string_view words) const {
  return {TRAINHOST_INVALID_ARGUMENT, format("{}: \"{}\": {}; wanted {}", key_, line_, words, wanted_)};
}

bool FieldText::is_at_end() { return skip_spaces(rest_), rest_.empty(); }
bool FieldText::is_at_sizes() { return skip_spaces(rest_), rest_.starts_with('['); }

std::string_view FieldText::word() {
  skip_spaces(rest_);
  const bool is_quoted = rest_.starts_with('\'');
  if (is_quoted) rest_.remove_prefix(1);
  const size_t end = rest_.find(is_quoted ? '\'' : ' ');
  if (is_quoted && end == std::string_view::npos) throw wrong("a ' is not closed");
  const std::string_view found = rest_.substr(0, end);
  rest_.remove_prefix(std::min(found.size() + is_quoted, rest_.size()));
  return found;
}

std::string FieldText::name() {
  const std::string_view found = word();
  if (found.empty()) throw wrong("it begins with no name");
  for (const char c : found)
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ') throw wrong("a name has no quotes, backslashes or control characters");
  return std::string(found);
}

bool FieldText::is_at_option() {
  skip_spaces(rest_);
  const size_t equals = rest_.substr(0, rest_.find(' ')).find('=');
  return equals != 0 && equals != std::string_view::npos && rest_.substr(0, equals).find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos;
}

std::optional<FieldText::Option> FieldText::option() {
  if (!is_at_option()) return std::nullopt;
  const std::string_view key = rest_.substr(0, rest_.find('='));
  rest_.remove_prefix(key.size() + 1);
  return Option{key, rest_.empty() || rest_.starts_with(' ') ? std::string_view() : word()};
}

std::vector<int64_t> FieldText::sizes() {
  const size_t end = rest_.find(']');
  if (!is_at_sizes() || end == std::string_view::npos) throw wrong("it has no sizes in brackets; [] for one number");
  std::string_view inner = rest_.substr(1, rest_.find(']') - 1);
  rest_.remove_prefix(inner.size() + 2);
  std::vector<int64_t> out;
  constexpr int64_t kMost = int64_t{1} << 32;
  int64_t elements = 1;
  while (inner.find_first_not_of(' ') != std::string_view::npos) {
    const size_t comma = std::min(inner.find(','), inner.size());
    out.push_back(number<int64_t>(inner.substr(0, comma)));
    if (out.back() < 1 || out.back() > kMost / elements) throw wrong("sizes must be at least 1, and a sample at most 2^32 elements");
    elements *= out.back();
    inner.remove_prefix(std::min(comma + 1, inner.size()));
  }
  if (out.size() > 8) throw wrong(format("{} axes, at most 8 are taken", out.size()));
  return out;
}

void FieldText::options(Field& field, const std::function<bool(const Option&)>& other) {
  while (!is_at_end()) {
    const std::optional<Option> found = option();
    if (!found) throw wrong(format("\"{}\" is not understood", word()));
    if (!apply(*found, field) && !(other && other(*found))) throw wrong(format("\"{}={}\" is not understood", found->key, found->value));
  }
}

bool FieldText::apply(const Option& option, Field& field) const {
  const bool is_whole = is_integer(field.dtype);
  if (option.key == "classes") {
    field.num_classes = number<int64_t>(option.value);
    if (field.num_classes < 1 || !is_whole) throw wrong("classes are at least 1, and of whole numbers");
  } else if (option.key == "pad") {
    field.pad_value = number<double>(option.value);
    if (is_whole && field.pad_value != std::floor(field.pad_value)) throw wrong("pad must be a whole number, as the field's format is");
  } else if (option.key == "role" && (option.value == "input" || option.value == "target" || option.value == "weight")) {
    field.role = option.value == "input" ? TRAINHOST_FIELD_INPUT : option.value == "target" ? TRAINHOST_FIELD_TARGET : TRAINHOST_FIELD_WEIGHT;
  } else {
    return false;
  }
  return true;
}

void settle_pad(Field& field) {
  if (std::isnan(field.pad_value)) field.pad_value = is_integer(field.dtype) && field.role == TRAINHOST_FIELD_TARGET ? -1 : 0;
}

bool is_integer(trainhost_dtype dtype) { return dtype.code == TRAINHOST_DTYPE_INT || dtype.code == TRAINHOST_DTYPE_UINT; }

std::optional<trainhost_dtype> find_dtype(std::string_view name) {
  for (const Named& one : kDtypes)
    if (one.name == name) return one.dtype;
  return std::nullopt;
}

std::string_view name_of(trainhost_dtype dtype) {
  for (const Named& one : kDtypes)
    if (same(one.dtype, dtype)) return one.name;
  return "";
}

uint64_t num_elements(const Field& field) {
  uint64_t count = 1;
  for (const int64_t axis : field.shape) count *= static_cast<uint64_t>(axis);
  return count;
}

void check_names(std::string_view key, const std::vector<Field>& fields) {
  if (fields.empty()) throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: the list is empty; describe at least one field", key));
  for (size_t i = 0; i < fields.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (fields[i].name == fields[j].name) throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: \"{}\" is there twice", key, fields[i].name));
}

}  // namespace trainhost
