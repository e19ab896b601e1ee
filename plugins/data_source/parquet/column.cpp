// A line is looked at twice: at once for what is no option at all, and when the files have said what the columns are.
#include "column.h"

#include <algorithm>
#include <array>

#include <arrow/array.h>

#include "fields/field_text.h"

namespace trainhost::parquet_source {
namespace {

constexpr std::string_view kKey = "parquet.columns";
constexpr std::string_view kForm =
    "COLUMN or several, then as=, dtype=, length=, longer=cut, skip_first=, skip_last=, values=, decode=image, missing=, role=, classes= and pad=";
constexpr std::array kOptions{"as", "dtype", "length", "longer", "skip_first", "skip_last", "values", "decode", "missing", "role", "classes", "pad"};
constexpr int64_t kMostElements = int64_t{1} << 30;  // of a list or a text

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> out;
  for (size_t comma; (comma = text.find(',')) != std::string_view::npos; text.remove_prefix(comma + 1)) out.emplace_back(text.substr(0, comma));
  out.emplace_back(text);
  return out;
}

// A row's elements in the array of numbers at the bottom of its lists.
struct Elements {
  const arrow::Array* array;
  int64_t begin, count;
  bool has_null_list = false;
};

Elements elements(const Cell& cell) {
  Elements out{cell.array, cell.index, 1};
  for (;;) {
    int64_t begin = 0, end = 0;
    const arrow::Array* inner = nullptr;
    const auto open = [&](const auto& list) { begin = list.value_offset(out.begin), end = list.value_offset(out.begin + out.count), inner = list.values().get(); };
    switch (out.array->type_id()) {
      case arrow::Type::LIST: open(static_cast<const arrow::ListArray&>(*out.array)); break;
      case arrow::Type::LARGE_LIST: open(static_cast<const arrow::LargeListArray&>(*out.array)); break;
      case arrow::Type::FIXED_SIZE_LIST: open(static_cast<const arrow::FixedSizeListArray&>(*out.array)); break;
      default: return out;
    }
    for (int64_t i = 0; out.array->null_count() > 0 && i < out.count; ++i) out.has_null_list |= out.array->IsNull(out.begin + i);
    out = {inner, begin, end - begin, out.has_null_list};
  }
}

std::string_view bytes_of(const Cell& cell) {
  switch (cell.array->type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY: return static_cast<const arrow::BinaryArray&>(*cell.array).GetView(cell.index);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY: return static_cast<const arrow::LargeBinaryArray&>(*cell.array).GetView(cell.index);
    default: return static_cast<const arrow::FixedSizeBinaryArray&>(*cell.array).GetView(cell.index);
  }
}

constexpr std::string_view kNull = "no value (null); write one, or say with missing= what stands for it";

}  // namespace

Column::Column(std::string_view text) : line_(text) {
  FieldText line(kKey, line_, kForm);
  while (!line.is_at_end() && !line.is_at_option()) names_.emplace_back(line.word());
  if (names_.empty()) throw line.wrong("it names no column");
  field_.name = names_.size() == 1 ? names_[0] : "";
  while (!line.is_at_end()) {
    const auto option = line.option();
    if (!option) throw line.wrong(format("\"{}\" is not understood", line.word()));
    if (std::find(kOptions.begin(), kOptions.end(), option->key) == kOptions.end()) throw line.wrong(format("\"{}=\" is no option", option->key));
    if (option->key == "as") field_.name = FieldText(kKey, option->value, kForm).name();
    if (option->key == "decode" && option->value != "image") throw line.wrong(format("\"decode={}\" is not understood", option->value));
    is_image_ |= option->key == "decode";
  }
  if (field_.name.empty()) throw line.wrong("several columns become one field: say its name with as=");
  if (is_image_ && names_.size() > 1) throw line.wrong("decode=image takes one column");
}

void Column::settle(const std::vector<ColumnType>& types, const images::ImageLoader& images) {
  FieldText line(kKey, line_, kForm);
  const ColumnType& first = types[0];
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i].kind == ColumnType::Kind::kOther)
      throw line.wrong(format("column \"{}\" is {}; fields are of numbers, truth values, texts and bytes, and of lists of numbers: write it as one of these", names_[i], types[i].text));
    if (types[i].text != first.text)
      throw line.wrong(format("column \"{}\" is {}, column \"{}\" {}; those of one field must be alike: name them in several texts", names_[0], first.text, names_[i], types[i].text));
  }
  const bool is_numbers = first.kind == ColumnType::Kind::kNumbers;
  if (types.size() > 1 && (!is_numbers || first.is_list || !first.sizes.empty())) throw line.wrong(format("several columns become one field where each is a number, these are {}", first.text));
  if (is_image_ && is_numbers) throw line.wrong(format("decode=image is for bytes, column \"{}\" is {}", names_[0], first.text));
  kind_ = is_image_ ? Kind::kImage : first.is_list ? Kind::kList : is_numbers ? Kind::kNumbers : first.kind == ColumnType::Kind::kBytes ? Kind::kBytes : Kind::kFixedBytes;
  conversion_ = {first.dtype, is_numbers ? first.dtype : kUInt8, {}};
  const std::string name = field_.name;
  field_ = is_image_ ? images.field(name) : Field{name, TRAINHOST_FIELD_INPUT, conversion_.to, first.sizes, {}, 0, is_numbers ? kNoPad : 0};
  if (types.size() > 1) field_.shape = {static_cast<int64_t>(types.size())};
  settle_options(types);
}

void Column::settle_options(const std::vector<ColumnType>& types) {
  FieldText line(kKey, line_, kForm);
  while (!line.is_at_end() && !line.is_at_option()) line.word();
  int64_t length = 0;
  std::optional<std::string_view> missing;
  const auto is_one_of = [&](std::initializer_list<Kind> kinds) { return std::find(kinds.begin(), kinds.end(), kind_) != kinds.end(); };
  const auto take_early = [&](const FieldText::Option& option) {  // what decides on the format comes before what speaks of it
    if (option.key == "dtype") {
      const auto dtype = find_dtype(option.value);
      if (!is_one_of({Kind::kNumbers, Kind::kList}) || !dtype || !is_convertible(conversion_.from, *dtype))
        throw line.wrong(format("dtype={}: {} can become {}", option.value, types[0].text, is_one_of({Kind::kNumbers, Kind::kList}) ? "float32, float64, or int64 where it is whole" : "nothing else"));
      field_.dtype = conversion_.to = *dtype;
    }
    if (option.key == "values") {
      if (kind_ != Kind::kBytes) throw line.wrong(format("values= is for texts, the column is {}", types[0].text));
      kind_ = Kind::kClass, classes_ = split_at_commas(option.value);
      field_.dtype = conversion_.to = kInt64, field_.num_classes = static_cast<int64_t>(classes_.size()), field_.pad_value = kNoPad;
    }
  };
  FieldText early = line;
  while (!early.is_at_end()) take_early(*early.option());
  line.options(field_, [&](const FieldText::Option& option) {
    if (option.key == "as" || option.key == "dtype" || option.key == "values" || option.key == "decode") return true;
    if (option.key == "missing" && kind_ != Kind::kImage && kind_ != Kind::kFixedBytes) return missing = option.value, true;
    if (option.key == "length" && is_one_of({Kind::kBytes, Kind::kList})) return length = line.number<int64_t>(option.value), true;
    if (option.key == "longer" && option.value == "cut" && is_one_of({Kind::kBytes, Kind::kList})) return is_cut_ = true;
    const bool may_skip = kind_ == Kind::kList || (kind_ == Kind::kNumbers && !field_.shape.empty() && names_.size() == 1);
    if (option.key == "skip_first" && may_skip) return skip_first_ = line.number<int64_t>(option.value), true;
    if (option.key == "skip_last" && may_skip) return skip_last_ = line.number<int64_t>(option.value), true;
    return false;
  });
  if (kind_ == Kind::kClass && field_.num_classes != static_cast<int64_t>(classes_.size())) throw line.wrong("classes= is for numbers; the number of values= is that of the classes");
  if (skip_first_ < 0 || skip_last_ < 0 || skip_first_ > kMostElements || skip_last_ > kMostElements) throw line.wrong(format("skip_first and skip_last are 0 to {}", kMostElements));
  if (kind_ == Kind::kBytes || kind_ == Kind::kList) {
    if (length < 1 || length > kMostElements) throw line.wrong(format("column \"{}\" is {}: length= must say the most {} of a row, 1 to {}", names_[0], types[0].text, kind_ == Kind::kList ? "elements" : "bytes", kMostElements));
    field_.max_shape = field_.shape, field_.shape.insert(field_.shape.begin(), -1), field_.max_shape.insert(field_.max_shape.begin(), length);
  } else if (skip_first_ + skip_last_ > 0) {
    field_.shape[0] -= skip_first_ + skip_last_;
    if (field_.shape[0] < 1) throw line.wrong(format("skip_first and skip_last leave nothing of {}", types[0].text));
  }
  if (is_one_of({Kind::kBytes, Kind::kFixedBytes}) && field_.num_classes == 0) field_.num_classes = 256;
  settle_pad(field_);
  for (const int64_t size : field_.shape)
    if (size == 0 || size > kMostElements) throw line.wrong(format("column \"{}\" is {}, which holds nothing or too much", names_[0], types[0].text));
  if (missing) settle_missing(line, *missing);
}

void Column::settle_missing(const FieldText& line, std::string_view text) {
  if (kind_ == Kind::kBytes) {
    if (text.size() > static_cast<size_t>(field_.max_shape[0])) throw line.wrong("missing= is longer than length=");
    missing_text_ = text;
    return;
  }
  const auto named = std::find(classes_.begin(), classes_.end(), text);
  Number number;
  if (field_.dtype.code == TRAINHOST_DTYPE_FLOAT) number.real = line.number<double>(text);
  else number.whole = named != classes_.end() ? named - classes_.begin() : line.number<int64_t>(text);
  if (!fits(number, field_.dtype)) throw line.wrong(format("missing={} does not fit {}", text, name_of(field_.dtype)));
  conversion_.missing = number;
}

void Column::write(std::span<const Cell> cells, const Target& target, BatchWriter& out, const Fail& fail) const {
  switch (kind_) {
    case Kind::kNumbers: return write_numbers(cells, target, out, fail);
    case Kind::kList: return write_list(cells[0], target, out, fail);
    case Kind::kClass: return write_class(cells[0], target, out, fail);
    default: return write_bytes(cells[0], target, out, fail);
  }
}

// Numbers beyond num_classes would reach an embedding or a loss on the device, where they end the process.
void Column::check_classes(const Tensor& place, std::string_view name, const Fail& fail) const {
  if (field_.num_classes == 0 || !is_integer(field_.dtype) || conversion_.missing) return;
  const std::string stray = stray_class(place.data, field_.dtype, static_cast<int64_t>(place.num_elements()), field_.num_classes, field_.pad_value);
  if (!stray.empty()) fail(name, stray);
}

void Column::write_numbers(std::span<const Cell> cells, const Target& target, BatchWriter& out, const Fail& fail) const {
  const Tensor place = out.reserve(target.sample_index, target.field_index, field_.shape);
  const auto each = static_cast<int64_t>(num_elements(field_) / cells.size());
  auto* to = static_cast<std::byte*>(place.data);
  for (size_t i = 0; i < cells.size(); ++i, to += static_cast<size_t>(each) * (field_.dtype.bits / 8u)) {
    if (cells[i].is_null) {
      if (!conversion_.missing) fail(names_[i], kNull);
      fill_numbers(*conversion_.missing, field_.dtype, each, to);
      continue;
    }
    const Elements found = elements(cells[i]);
    const int64_t rows = field_.shape.empty() || cells.size() > 1 ? 1 : field_.shape[0] + skip_first_ + skip_last_, each_row = found.count / rows;
    if (found.has_null_list) fail(names_[i], "a list in it is null");
    if (found.count != rows * each_row || (rows - skip_first_ - skip_last_) * each_row != each) fail(names_[i], format("{} elements, the column's type says otherwise", found.count));
    const std::string wrong = copy_numbers(*found.array, found.begin + skip_first_ * each_row, each, conversion_, to);
    if (!wrong.empty()) fail(names_[i], wrong);
  }
  check_classes(place, names_[0], fail);
}

void Column::write_list(const Cell& cell, const Target& target, BatchWriter& out, const Fail& fail) const {
  if (cell.is_null && !conversion_.missing) fail(names_[0], kNull);
  std::vector<int64_t> shape = field_.max_shape;
  const Elements found = cell.is_null ? Elements{nullptr, 0, 0} : elements(cell);
  int64_t each_row = 1;
  for (size_t axis = 1; axis < shape.size(); ++axis) each_row *= shape[axis];
  if (found.has_null_list) fail(names_[0], "a list in it is null");
  const int64_t rows = found.count / each_row, skipped = cell.is_null ? 0 : skip_first_ + skip_last_;
  if (rows < skipped) fail(names_[0], format("a list of {}, skip_first and skip_last take {}", rows, skipped));
  if (rows - skipped > shape[0] && !is_cut_) fail(names_[0], format("a list of {}, length= allows {}; raise it, or write longer=cut", rows - skipped, shape[0]));
  shape[0] = std::min(shape[0], rows - skipped);
  const Tensor place = out.reserve(target.sample_index, target.field_index, shape);
  if (cell.is_null) return;
  const std::string wrong = copy_numbers(*found.array, found.begin + skip_first_ * each_row, shape[0] * each_row, conversion_, place.data);
  if (!wrong.empty()) fail(names_[0], wrong);
  check_classes(place, names_[0], fail);
}

void Column::write_bytes(const Cell& cell, const Target& target, BatchWriter& out, const Fail& fail) const {
  if (cell.is_null && !missing_text_) fail(names_[0], kind_ == Kind::kBytes ? kNull : "no value (null); write one");
  const std::string_view bytes = cell.is_null ? std::string_view(*missing_text_) : bytes_of(cell);
  const auto most = static_cast<size_t>(kind_ == Kind::kBytes ? field_.max_shape[0] : field_.shape[0]);
  if (bytes.size() > most && !is_cut_) fail(names_[0], format("{} bytes, length= allows {}; raise it, or write longer=cut", bytes.size(), most));
  const size_t size = std::min(bytes.size(), most);
  const Tensor place = out.reserve(target.sample_index, target.field_index, {static_cast<int64_t>(size)});
  std::copy_n(bytes.begin(), size, static_cast<char*>(place.data));
}

void Column::write_class(const Cell& cell, const Target& target, BatchWriter& out, const Fail& fail) const {
  int64_t number = 0;
  if (!cell.is_null) {
    const std::string_view value = bytes_of(cell);
    number = std::find(classes_.begin(), classes_.end(), value) - classes_.begin();
    if (number == field_.num_classes) fail(names_[0], format("\"{}\" is none of the {} values= of field \"{}\"", value.substr(0, 100), classes_.size(), field_.name));
  } else if (conversion_.missing) {
    number = conversion_.missing->whole;
  } else {
    fail(names_[0], kNull);
  }
  out.reserve(target.sample_index, target.field_index, {}).as<int64_t>()[0] = number;
}

void Column::write_image(const Cell& cell, const Target& target, const images::ImageLoader& images, images::Workspace& workspace, BatchWriter& out, const Fail& fail) const {
  if (cell.is_null) fail(names_[0], "no value (null), wanted the bytes of an image");
  const std::string_view bytes = bytes_of(cell);
  const Tensor place = out.reserve(target.sample_index, target.field_index, field_.shape);
  try {
    images.load({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, target.random_key, place, workspace);
  } catch (const PluginError& error) {
    fail(names_[0], error.message);
  }
}

}  // namespace trainhost::parquet_source
