// What a column of a file is, and where it stands.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <trainhost/cpp/field.hpp>

#include "parquet_file.h"

namespace trainhost::parquet_source {

/// An Arrow type as fields see it. Dictionaries count as what they hold; names inside of lists and the width of offsets make no difference.
struct ColumnType {
  enum class Kind { kNumbers, kBytes, kFixedBytes, kOther };
  Kind kind = Kind::kOther;
  trainhost_dtype dtype{};        // of the elements of kNumbers
  bool is_list = false;           // kNumbers: the first axis varies
  std::vector<int64_t> sizes;     // of lists of fixed size, and of kFixedBytes
  std::string text;               // "list<int32>", for messages; equal texts are equal types
};

ColumnType column_type(const arrow::DataType& type);

/// One column of one file.
struct ColumnPlace {
  std::vector<std::string> path;  // the column, then members of structs
  std::vector<int> leaves;        // Parquet's columns that hold it
  ColumnType type;
};

/// `name`: a column, or a member of a struct behind dots ("image.bytes"). Throws PluginError INVALID_ARGUMENT with the nearest name where there is none, and where there
/// are several.
ColumnPlace find_column(const ParquetFile& file, const std::string& name);

}  // namespace trainhost::parquet_source
