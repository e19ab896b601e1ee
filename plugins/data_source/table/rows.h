// Takes rows apart into values: csv by the places of columns, lines of JSON by their names.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "table_field.h"
#include "table_file.h"

namespace trainhost {

/// One row of one file, for as long as the row's text and the file live.
class Row {
 public:
  virtual ~Row() = default;
  /// The values of the columns of field `field_index`, one behind the other; an array of JSON gives as many as it has.
  virtual std::vector<Value> values(const TableField& field, size_t field_index) const = 0;
};

/// How to take the rows of one file apart.
class RowReader {
 public:
  virtual ~RowReader() = default;
  /// Throws PluginError DATA_LOSS with file:line:column for a row that cannot be taken apart. [any]
  virtual std::unique_ptr<Row> take_apart(uint64_t row, const std::string& text) const = 0;
};

/// Throws PluginError INVALID_ARGUMENT for a column that the header does not have, or has twice. The file and the fields live longer.
std::unique_ptr<RowReader> csv_reader(const TableFile& file, const std::vector<TableField>& fields, char delimiter);
std::unique_ptr<RowReader> json_reader(const TableFile& file);

}  // namespace trainhost
