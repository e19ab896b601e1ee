#include "column_view.h"

#include <algorithm>

#include <arrow/array.h>
#include <arrow/table.h>

namespace trainhost::parquet_source {

ColumnView::ColumnView(const arrow::Table& table, const std::vector<std::string>& path) {
  int64_t first = 0;
  for (const auto& chunk : table.GetColumnByName(path[0])->chunks()) {
    Piece piece{first, {chunk}, nullptr};
    for (size_t i = 1; i < path.size(); ++i) piece.levels.push_back(static_cast<const arrow::StructArray&>(*piece.levels.back()).GetFieldByName(path[i]));
    const arrow::Array& values = *piece.levels.back();
    if (values.type_id() == arrow::Type::DICTIONARY) piece.dictionary = static_cast<const arrow::DictionaryArray&>(values).dictionary();
    first += chunk->length();
    pieces_.push_back(std::move(piece));
  }
}

Cell ColumnView::at(int64_t row) const {
  const auto behind = std::upper_bound(pieces_.begin(), pieces_.end(), row, [](int64_t wanted, const Piece& piece) { return wanted < piece.first_row; });
  const Piece& piece = *std::prev(behind);
  Cell cell{piece.levels.back().get(), row - piece.first_row, false};
  for (const auto& level : piece.levels) cell.is_null |= level->IsNull(cell.index);
  if (!piece.dictionary || cell.is_null) return cell;
  const int64_t index = static_cast<const arrow::DictionaryArray&>(*cell.array).GetValueIndex(cell.index);
  const bool is_null = index < 0 || index >= piece.dictionary->length() || piece.dictionary->IsNull(index);
  return {piece.dictionary.get(), index, is_null};
}

}  // namespace trainhost::parquet_source
