// The rows of one column of a decoded row group.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

namespace trainhost::parquet_source {

/// Where the value of a row stands; as long as the ColumnView lives.
struct Cell {
  const arrow::Array* array;
  int64_t index;
  bool is_null;  // the value, or a struct around it
};

class ColumnView {
 public:
  /// `path`: the column, then members of structs; it is there.
  ColumnView(const arrow::Table& table, const std::vector<std::string>& path);
  Cell at(int64_t row) const;

 private:
  // Large columns come in several arrays.
  struct Piece {
    int64_t first_row;
    std::vector<std::shared_ptr<arrow::Array>> levels;  // from the outermost struct to the value
    std::shared_ptr<arrow::Array> dictionary;
  };
  std::vector<Piece> pieces_;
};

}  // namespace trainhost::parquet_source
