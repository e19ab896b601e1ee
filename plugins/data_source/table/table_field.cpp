#include "table_field.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "fields/field_text.h"

namespace trainhost {
namespace {

constexpr std::string_view kForm =
    "NAME TYPE [SIZES] COLUMNS with role=, classes=, pad=, values=, missing= and length= behind it; TYPE is float32, float64, int64, class or bytes";
constexpr double kMostExact = 9007199254740992.0;  // 2^53

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> out;
  for (size_t comma; (comma = text.find(',')) != std::string_view::npos; text.remove_prefix(comma + 1)) out.emplace_back(text.substr(0, comma));
  out.emplace_back(text);
  return out;
}

// Without spaces around it and without a plus, which from_chars does not take.
std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return text;
}

template <class T>
std::optional<T> number_of(std::string_view text) {
  text = trimmed(text);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> exact(double real) {
  if (std::trunc(real) != real || std::fabs(real) > kMostExact) return std::nullopt;
  return static_cast<int64_t>(real);
}

bool is_number(const Value& value) { return value.kind == Value::Kind::kWhole || value.kind == Value::Kind::kReal; }

}  // namespace

TableField::TableField(std::string_view text) {
  FieldText line("table.fields", text, kForm);
  field_.name = line.name();
  const std::string_view type = line.word();
  take_type(type);
  if (field_.dtype.bits == 0) throw line.wrong(format("\"{}\" is no type", type));
  const bool has_sizes = line.is_at_sizes();
  if (has_sizes) field_.shape = line.sizes();
  while (!line.is_at_end() && !line.is_at_option()) columns_.emplace_back(line.word());
  if (columns_.empty()) throw line.wrong("no column is named");
  if (!has_sizes && columns_.size() > 1) field_.shape = {static_cast<int64_t>(columns_.size())};

  std::optional<std::string_view> missing;
  int64_t length = 0;
  field_.pad_value = type_ == Type::kBytes ? 0 : kNoPad;
  line.options(field_, [&](const FieldText::Option& option) {
    if (option.key == "missing") missing = option.value;
    else if (option.key == "values" && type_ == Type::kClass) classes_ = split_at_commas(option.value);
    else if (option.key == "length" && type_ == Type::kBytes) length = line.number<int64_t>(option.value);
    else if (option.key == "longer" && type_ == Type::kBytes && option.value == "cut") is_cut_ = true;
    else return false;
    return true;
  });
  settle_pad(field_);
  if (type_ == Type::kClass) {
    if (classes_.empty()) throw line.wrong("values= is missing: the names of the classes, with commas between");
    if (field_.num_classes != 0) throw line.wrong("classes= is for int64; the number of values= is that of the classes");
    field_.num_classes = static_cast<int64_t>(classes_.size());
  }
  if (type_ == Type::kBytes) {
    if (has_sizes || columns_.size() != 1) throw line.wrong("a field of bytes takes one column and no sizes");
    if (length < 1 || length > int64_t{1} << 25) throw line.wrong("length= is missing or beyond 1 to 33554432: the most bytes of a text");
    field_.shape = {-1}, field_.max_shape = {length}, field_.num_classes = 256;
  }
  if (!missing) return;
  const Fail fail = [&](const Value&, std::string_view words) { throw line.wrong(format("missing={}: {}", *missing, words)); };
  Value value{Value::Kind::kCell, std::string(*missing)};
  if (type_ == Type::kReal) value = {Value::Kind::kReal, value.text, 0, real_of(value, fail)};
  if (type_ == Type::kWhole) value = {Value::Kind::kWhole, value.text, whole_of(value, fail)};
  if (type_ == Type::kClass) {
    const auto index = number_of<int64_t>(*missing);
    value = {Value::Kind::kWhole, value.text, index ? *index : class_of(value, fail)};
  }
  missing_ = value;
}

void TableField::take_type(std::string_view name) {
  type_ = name == "class" ? Type::kClass : name == "bytes" ? Type::kBytes : name == "int64" ? Type::kWhole : Type::kReal;
  const bool is_known = type_ != Type::kReal || name == "float32" || name == "float64";
  field_.dtype = !is_known ? trainhost_dtype{} : type_ == Type::kBytes ? kUInt8 : type_ != Type::kReal ? kInt64 : name == "float32" ? kFloat32 : kFloat64;
}

double TableField::real_of(const Value& value, const Fail& fail) const {
  if (value.kind == Value::Kind::kMissing && missing_) return missing_->real;
  double real = value.kind == Value::Kind::kReal ? value.real : static_cast<double>(value.whole);
  if (!is_number(value)) {
    const auto read = value.kind == Value::Kind::kCell ? number_of<double>(value.text) : std::nullopt;
    if (!read) fail(value, format("\"{}\" is no number", value.text));
    real = read.value_or(0);
  }
  if (field_.dtype.bits == 32 && std::isfinite(real) && std::fabs(real) > std::numeric_limits<float>::max()) fail(value, format("{} does not fit float32; take float64", value.text));
  return real;
}

int64_t TableField::whole_of(const Value& value, const Fail& fail) const {
  if (value.kind == Value::Kind::kMissing && missing_) return missing_->whole;
  std::optional<int64_t> whole;
  if (value.kind == Value::Kind::kWhole) whole = value.whole;
  if (value.kind == Value::Kind::kReal) whole = exact(value.real);
  if (value.kind == Value::Kind::kCell) {
    whole = number_of<int64_t>(value.text);
    if (const auto real = whole ? std::nullopt : number_of<double>(value.text)) whole = exact(*real);  // "3.0", as pandas writes a column with gaps
  }
  if (!whole) fail(value, format("\"{}\" is no whole number of 64 bits", value.text));
  return *whole;
}

int64_t TableField::class_of(const Value& value, const Fail& fail) const {
  if (value.kind == Value::Kind::kMissing && missing_) return missing_->whole;
  const auto found = std::find(classes_.begin(), classes_.end(), value.text);
  if (value.kind == Value::Kind::kMissing || found == classes_.end()) fail(value, format("\"{}\" is none of the {} values= of field \"{}\"", value.text, classes_.size(), field_.name));
  return found - classes_.begin();
}

void TableField::write_bytes(const Value& value, std::uint64_t sample_index, std::uint32_t field_index, BatchWriter& out, const Fail& fail) const {
  const Value& used = value.kind == Value::Kind::kMissing && missing_ ? *missing_ : value;
  if (is_number(used)) fail(value, format("{} is a number, wanted a text", used.text));
  const auto most = static_cast<size_t>(field_.max_shape[0]);
  if (used.text.size() > most && !is_cut_) fail(value, format("a text of {} bytes, length= allows {}; raise it, or write longer=cut", used.text.size(), most));
  const size_t size = std::min(used.text.size(), most);
  const Tensor place = out.reserve(sample_index, field_index, {static_cast<int64_t>(size)});
  std::copy_n(used.text.begin(), size, static_cast<char*>(place.data));
}

void TableField::write(const std::vector<Value>& values, std::uint64_t sample_index, std::uint32_t field_index, BatchWriter& out, const Fail& fail) const {
  for (const Value& value : values) {
    if (value.kind == Value::Kind::kMissing && !missing_) fail(value, format("no value; give one, or say what stands for it with missing= for field \"{}\"", field_.name));
    if (value.kind == Value::Kind::kOther) fail(value, "an object or an array of arrays, wanted numbers, texts or an array of them");
  }
  if (type_ == Type::kBytes) {
    if (values.size() != 1) fail(values.empty() ? Value{} : values[0], format("{} values, field \"{}\" takes one text", values.size(), field_.name));
    return write_bytes(values[0], sample_index, field_index, out, fail);
  }
  if (values.size() != num_elements(field_))
    fail(values.empty() ? Value{} : values[0], format("the columns give {} values, field \"{}\" has {}", values.size(), field_.name, num_elements(field_)));
  const Tensor place = out.reserve(sample_index, field_index, field_.shape);
  for (size_t i = 0; i < values.size(); ++i) {
    if (type_ != Type::kReal) place.as<int64_t>()[i] = type_ == Type::kClass ? class_of(values[i], fail) : whole_of(values[i], fail);
    else if (field_.dtype.bits == 32) place.as<float>()[i] = static_cast<float>(real_of(values[i], fail));
    else place.as<double>()[i] = real_of(values[i], fail);
  }
}

}  // namespace trainhost
