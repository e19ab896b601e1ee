// Comma-separated values as RFC 4180 and Python's csv have them: quotes around a cell, two quotes for one, line ends inside of quotes.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace trainhost {

/// Finds where rows begin, piece by piece. Stricter than Python's reader, which takes everything: a quote in a cell that does not begin with one, something
/// behind a closing quote and a carriage return without a line feed are errors.
class CsvScanner {
 public:
  /// `row(offset)` is told the first byte of each row; `wrong(offset, words)` must throw. Lines without anything are no rows.
  CsvScanner(char delimiter, std::function<void(uint64_t)> row, std::function<void(uint64_t, std::string_view)> wrong);

  void feed(std::string_view piece);
  /// At the end of the file.
  void finish();

 private:
  enum class State { kRowStart, kCellStart, kPlain, kQuoted, kQuoteInQuoted, kReturn };

  void take(char c, uint64_t offset);
  void take_unquoted(char c, uint64_t offset);
  size_t dull_bytes(std::string_view piece) const;

  char delimiter_;
  std::function<void(uint64_t)> row_;
  std::function<void(uint64_t, std::string_view)> wrong_;
  State state_ = State::kRowStart;
  uint64_t offset_ = 0, quote_offset_ = 0;  // quote_offset_: where the quoted cell began
};

struct Cell {
  uint64_t offset;  // of its first byte in the row
  std::string text;  // without quotes
};

/// The cells of one row that the scanner has found, with or without its line end.
std::vector<Cell> split_csv_row(std::string_view row, char delimiter);

}  // namespace trainhost
