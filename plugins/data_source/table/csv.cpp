#include "csv.h"

#include <algorithm>
#include <utility>

namespace trainhost {

CsvScanner::CsvScanner(char delimiter, std::function<void(uint64_t)> row, std::function<void(uint64_t, std::string_view)> wrong)
    : delimiter_(delimiter), row_(std::move(row)), wrong_(std::move(wrong)) {}

// Bytes at the start of the piece that change nothing.
size_t CsvScanner::dull_bytes(std::string_view piece) const {
  if (state_ == State::kQuoted) return std::min(piece.find('"'), piece.size());
  if (state_ != State::kPlain) return 0;
  size_t count = 0;
  while (count < piece.size() && piece[count] != delimiter_ && piece[count] != '\n' && piece[count] != '\r' && piece[count] != '"') ++count;
  return count;
}

void CsvScanner::feed(std::string_view piece) {
  while (!piece.empty()) {
    const size_t dull = dull_bytes(piece);
    offset_ += dull;
    piece.remove_prefix(dull);
    if (piece.empty()) return;
    take(piece.front(), offset_++);
    piece.remove_prefix(1);
  }
}

void CsvScanner::take(char c, uint64_t offset) {
  switch (state_) {
    case State::kQuoted:
      if (c == '"') state_ = State::kQuoteInQuoted;
      return;
    case State::kQuoteInQuoted:
      if (c == '"') {
        state_ = State::kQuoted;
        return;
      }
      if (c != delimiter_ && c != '\n' && c != '\r') wrong_(offset, "something follows a closing quote; wanted are the delimiter, the end of the line, or two quotes for one");
      break;
    case State::kReturn:
      if (c != '\n') wrong_(offset - 1, "a carriage return without a line feed; write lines that end with a line feed, or put the cell into quotes");
      break;
    case State::kRowStart:
      if (c != '\n' && c != '\r') row_(offset);
      break;
    case State::kCellStart:
    case State::kPlain: break;
  }
  take_unquoted(c, offset);
}

void CsvScanner::take_unquoted(char c, uint64_t offset) {
  const bool is_cell_start = state_ == State::kRowStart || state_ == State::kCellStart;
  if (c == '\n') {
    state_ = State::kRowStart;
  } else if (c == '\r') {
    state_ = State::kReturn;
  } else if (c == delimiter_) {
    state_ = State::kCellStart;
  } else if (c == '"' && !is_cell_start) {
    wrong_(offset, "a quote in a cell that does not begin with one; put the cell into quotes and write two quotes for this one");
  } else {
    if (c == '"') quote_offset_ = offset;
    state_ = c == '"' ? State::kQuoted : State::kPlain;
  }
}

void CsvScanner::finish() {
  if (state_ == State::kQuoted) wrong_(quote_offset_, "a quote that is not closed");
  if (state_ == State::kReturn) wrong_(offset_ - 1, "a carriage return without a line feed; write lines that end with a line feed, or put the cell into quotes");
}

std::vector<Cell> split_csv_row(std::string_view row, char delimiter) {
  std::vector<Cell> cells;
  size_t at = 0;
  for (bool is_more = true; is_more;) {
    Cell& cell = cells.emplace_back(Cell{at, {}});
    bool is_quoted = at < row.size() && row[at] == '"';
    for (at += is_quoted; is_quoted;) {
      const size_t quote = std::min(row.find('"', at), row.size());
      cell.text.append(row.substr(at, quote - at));
      is_quoted = quote + 1 < row.size() && row[quote + 1] == '"';
      if (is_quoted) cell.text += '"';
      at = std::min(quote + (is_quoted ? 2 : 1), row.size());
    }
    const size_t begin = at;
    while (at < row.size() && row[at] != delimiter && row[at] != '\n' && row[at] != '\r') ++at;
    cell.text.append(row.substr(begin, at - begin));
    is_more = at < row.size() && row[at] == delimiter;
    at += is_more;
  }
  return cells;
}

}  // namespace trainhost
