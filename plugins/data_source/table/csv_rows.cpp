#include <algorithm>
#include <charconv>

#include "csv.h"
#include "rows.h"

namespace trainhost {
namespace {

class CsvRow final : public Row {
 public:
  CsvRow(std::vector<Cell> cells, const std::vector<std::vector<size_t>>& places) : cells_(std::move(cells)), places_(places) {}

  std::vector<Value> values(const TableField& field, size_t field_index) const override {
    std::vector<Value> out;
    for (size_t i = 0; i < field.columns().size(); ++i) {
      const Cell& cell = cells_[places_[field_index][i]];
      const bool is_blank = cell.text.find_first_not_of(" \t") == std::string::npos;
      out.push_back({is_blank && !field.takes_empty_cells() ? Value::Kind::kMissing : Value::Kind::kCell, cell.text, 0, 0, cell.offset, field.columns()[i]});
    }
    return out;
  }

 private:
  std::vector<Cell> cells_;
  const std::vector<std::vector<size_t>>& places_;
};

class CsvReader final : public RowReader {
 public:
  CsvReader(const TableFile& file, const std::vector<TableField>& fields, char delimiter) : file_(file), delimiter_(delimiter) {
    for (const TableField& field : fields) {
      auto& places = places_.emplace_back();
      for (const std::string& column : field.columns()) places.push_back(file.columns().empty() ? number(column) : place_of(column));
      least_cells_ = std::max(least_cells_, *std::max_element(places.begin(), places.end()) + 1);
    }
  }

  std::unique_ptr<Row> take_apart(uint64_t row, const std::string& text) const override {
    std::vector<Cell> cells = split_csv_row(text, delimiter_);
    const size_t wanted = file_.columns().size();
    if (wanted > 0 && cells.size() != wanted) throw file_.wrong(row, 0, format("a row of {} cells, the header has {}", cells.size(), wanted));
    if (cells.size() < least_cells_) throw file_.wrong(row, 0, format("a row of {} cells, table.fields name column {}", cells.size(), least_cells_));
    return std::make_unique<CsvRow>(std::move(cells), places_);
  }

 private:
  size_t place_of(const std::string& column) const {
    const auto& names = file_.columns();
    const auto count = std::count(names.begin(), names.end(), column);
    if (count == 1) return static_cast<size_t>(std::find(names.begin(), names.end(), column) - names.begin());
    std::string all;
    for (size_t i = 0; i < names.size() && i < 20; ++i) all += (i ? ", " : "") + names[i];
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("{}: {} column \"{}\"; the header names {}; correct table.fields", file_.input().path(), count ? "has more than one" : "has no", column, all));
  }

  // Without a header columns are called by their numbers, from 1 on.
  static size_t number(const std::string& column) {
    size_t value = 0;
    const auto [end, error] = std::from_chars(column.data(), column.data() + column.size(), value);
    if (error == std::errc() && end == column.data() + column.size() && value >= 1 && value <= 1'000'000) return value - 1;
    throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("table.fields: column \"{}\": without a header columns are called by their numbers, from 1 on", column));
  }

  const TableFile& file_;
  char delimiter_;
  size_t least_cells_ = 0;
  std::vector<std::vector<size_t>> places_;  // of the columns of each field
};

}  // namespace

std::unique_ptr<RowReader> csv_reader(const TableFile& file, const std::vector<TableField>& fields, char delimiter) {
  return std::make_unique<CsvReader>(file, fields, delimiter);
}

}  // namespace trainhost
