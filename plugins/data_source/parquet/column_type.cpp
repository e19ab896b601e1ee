#include "column_type.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string_view>

#include <arrow/type.h>

#include "fields/field_text.h"

namespace trainhost::parquet_source {
namespace {

using parquet::arrow::SchemaField;

trainhost_dtype number_dtype(arrow::Type::type id) {
  switch (id) {
    case arrow::Type::BOOL: return kBool;
    case arrow::Type::UINT8: return kUInt8;
    case arrow::Type::UINT16: return {TRAINHOST_DTYPE_UINT, 16, 1};
    case arrow::Type::UINT32: return {TRAINHOST_DTYPE_UINT, 32, 1};
    case arrow::Type::UINT64: return {TRAINHOST_DTYPE_UINT, 64, 1};
    case arrow::Type::INT8: return kInt8;
    case arrow::Type::INT16: return kInt16;
    case arrow::Type::INT32: return kInt32;
    case arrow::Type::INT64: return kInt64;
    case arrow::Type::HALF_FLOAT: return kFloat16;
    case arrow::Type::FLOAT: return kFloat32;
    case arrow::Type::DOUBLE: return kFloat64;
    default: return {};
  }
}

bool is_list(arrow::Type::type id) { return id == arrow::Type::LIST || id == arrow::Type::LARGE_LIST; }

// Numbers, or lists of fixed size of them, down to kMostAxes.
ColumnType numbers(const arrow::DataType& type) {
  constexpr size_t kMostAxes = 7;
  ColumnType out;
  const arrow::DataType* inner = &type;
  while (inner->id() == arrow::Type::FIXED_SIZE_LIST && out.sizes.size() < kMostAxes) {
    const auto& list = static_cast<const arrow::FixedSizeListType&>(*inner);
    out.sizes.push_back(list.list_size());
    inner = list.value_type().get();
  }
  out.dtype = number_dtype(inner->id());
  if (out.dtype.bits == 0) return {};
  out.kind = ColumnType::Kind::kNumbers;
  out.text = name_of(out.dtype);
  for (const int64_t size : out.sizes) out.text += format("[{}]", size);
  return out;
}

void collect_names(const std::vector<SchemaField>& fields, const std::string& prefix, std::vector<std::string>& out) {
  for (const SchemaField& field : fields) {
    out.push_back(prefix + field.field->name());
    if (field.field->type()->id() == arrow::Type::STRUCT) collect_names(field.children, out.back() + ".", out);
  }
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) diagonal = std::exchange(row[j + 1], std::min({row[j] + 1, row[j + 1] + 1, diagonal + (a[i] != b[j])}));
  }
  return row.back();
}

std::string known_names(const std::string& wanted, const ParquetFile& file) {
  constexpr size_t kMostShown = 20, kLongestCompared = 200;
  std::vector<std::string> names;
  collect_names(file.fields(), "", names);
  std::string all, nearest;
  for (size_t i = 0; i < names.size() && i < kMostShown; ++i) all += (i ? ", " : "") + names[i];
  size_t least = std::max<size_t>(2, wanted.size() / 3) + 1;
  for (const std::string& name : names) {
    if (name.size() > kLongestCompared || wanted.size() > kLongestCompared) continue;
    if (const size_t distance = edit_distance(wanted, name); distance < least) least = distance, nearest = name;
  }
  const std::string columns = format("it has {}{}", all, names.size() > kMostShown ? ", ..." : "");
  return nearest.empty() ? columns : format("did you mean \"{}\"? {}", nearest, columns);
}

void collect_leaves(const SchemaField& field, std::vector<int>& out) {
  if (field.is_leaf()) out.push_back(field.column_index);
  for (const SchemaField& child : field.children) collect_leaves(child, out);
}

// Appends to path; nothing where no field is called so. A name may hold dots itself.
const SchemaField* find(const std::vector<SchemaField>& fields, std::string_view name, std::vector<std::string>& path, bool& is_twice) {
  const SchemaField* found = nullptr;
  for (const SchemaField& field : fields)
    if (field.field->name() == name) is_twice |= found != nullptr, found = &field;
  if (found) return path.emplace_back(name), found;
  for (const SchemaField& field : fields) {
    const std::string& begin = field.field->name();
    if (field.field->type()->id() != arrow::Type::STRUCT || !name.starts_with(begin) || name.size() <= begin.size() || name[begin.size()] != '.') continue;
    path.push_back(begin);
    if (const SchemaField* inner = find(field.children, name.substr(begin.size() + 1), path, is_twice)) return inner;
    path.pop_back();
  }
  return nullptr;
}

}  // namespace

ColumnType column_type(const arrow::DataType& type) {
  using Id = arrow::Type;
  if (type.id() == Id::DICTIONARY) return column_type(*static_cast<const arrow::DictionaryType&>(type).value_type());
  ColumnType out;
  if (type.id() == Id::BINARY || type.id() == Id::LARGE_BINARY || type.id() == Id::STRING || type.id() == Id::LARGE_STRING) {
    out.kind = ColumnType::Kind::kBytes;
    out.text = type.id() == Id::BINARY || type.id() == Id::LARGE_BINARY ? "binary" : "string";
  } else if (type.id() == Id::FIXED_SIZE_BINARY) {
    out.kind = ColumnType::Kind::kFixedBytes;
    out.sizes = {static_cast<const arrow::FixedSizeBinaryType&>(type).byte_width()};
    out.text = format("binary[{}]", out.sizes[0]);
  } else if (is_list(type.id())) {
    out = numbers(*static_cast<const arrow::BaseListType&>(type).value_type());
    out.is_list = true;
    out.text = format("list<{}>", out.text);
  } else {
    out = numbers(type);
  }
  if (out.kind == ColumnType::Kind::kOther) out.text = type.ToString();
  return out;
}

ColumnPlace find_column(const ParquetFile& file, const std::string& name) {
  ColumnPlace place;
  bool is_twice = false;
  const SchemaField* found = find(file.fields(), name, place.path, is_twice);
  if (!found) throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: has no column \"{}\", which parquet.columns names; {}", file.input().path(), name, known_names(name, file)));
  if (is_twice || std::count_if(file.fields().begin(), file.fields().end(), [&](const SchemaField& field) { return field.field->name() == place.path[0]; }) > 1)
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: has more than one column \"{}\"; write the file with names of their own", file.input().path(), name));
  collect_leaves(*found, place.leaves);
  place.type = column_type(*found->field->type());
  return place;
}

}  // namespace trainhost::parquet_source
