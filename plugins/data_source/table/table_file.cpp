// The file is read once in pieces; afterwards only single rows are.
#include "table_file.h"

#include <algorithm>

#include "csv.h"

namespace trainhost {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{1} << 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Calls `use(piece, offset)` for the bytes begin .. end - 1.
template <class Use>
void for_each_piece(const InputFile& file, uint64_t begin, uint64_t end, Use&& use) {
  std::string piece;
  for (uint64_t offset = begin; offset < end; offset += piece.size()) {
    piece.resize(std::min(kPieceBytes, end - offset));
    file.read(offset, std::as_writable_bytes(std::span(piece)));
    use(std::string_view(piece), offset);
  }
}

uint64_t first_byte(const InputFile& file) {
  std::string start(std::min<uint64_t>(kByteOrderMark.size(), file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(start)));
  return start == kByteOrderMark ? start.size() : 0;
}

}  // namespace

std::string TableFile::scan(const OffsetStore& store, const std::function<void()>& check_cancelled) {
  const std::string purpose = format_.is_json ? "rows/1 jsonl" : format("rows/1 csv {}", static_cast<int>(format_.delimiter));
  std::string failure;
  if (const auto kept = store.load(*input_, purpose)) {
    for (const uint64_t offset : *kept) rows_.push(offset);
  } else {
    scan_all(check_cancelled);
    std::vector<uint64_t> all(rows_.size());
    for (uint64_t row = 0; row < all.size(); ++row) all[row] = rows_[row];
    failure = store.save(*input_, purpose, all);
  }
  if (!format_.is_json && format_.has_header) take_header();
  return failure;
}

void TableFile::scan_all(const std::function<void()>& check_cancelled) {
  const uint64_t begin = first_byte(*input_);
  CsvScanner scanner(
      format_.delimiter, [&](uint64_t offset) { add_row(begin + offset); }, [&](uint64_t offset, std::string_view words) { throw wrong_at(begin + offset, words); });
  for_each_piece(*input_, begin, input_->size(), [&](std::string_view piece, uint64_t offset) {
    check_cancelled();
    format_.is_json ? scan_lines(piece, offset) : scanner.feed(piece);
  });
  if (!format_.is_json) scanner.finish();
  add_row(input_->size());
}

// A line of JSON is a row unless it is blank.
void TableFile::scan_lines(std::string_view piece, uint64_t offset) {
  for (size_t at = 0; at < piece.size(); ++at) {
    if (!is_line_start_) {
      at = piece.find('\n', at);
      if (at == std::string_view::npos) return;
      is_line_start_ = true;
    } else if (std::string_view(" \t\r\n").find(piece[at]) == std::string_view::npos) {
      add_row(offset + at);
      is_line_start_ = false;
    }
  }
}

void TableFile::add_row(uint64_t offset) {
  if (rows_.size() > 0 && offset - rows_[rows_.size() - 1] >= Offsets::kMostApart)
    throw wrong_at(rows_[rows_.size() - 1], format("a row of {} bytes or blank lines behind it, at most {} are taken; is a quote missing?", offset - rows_[rows_.size() - 1], Offsets::kMostApart));
  rows_.push(offset);
}

// The first row becomes the names of the columns.
void TableFile::take_header() {
  if (num_rows() == 0) throw PluginError(TRAINHOST_DATA_LOSS, format("{}: holds no row; wanted a header, or table.header = false", input_->path()));
  for (Cell& cell : split_csv_row(read(0), format_.delimiter)) columns_.push_back(std::move(cell.text));
  Offsets rest;
  for (uint64_t row = 1; row < rows_.size(); ++row) rest.push(rows_[row]);
  rows_ = std::move(rest);
}

std::string TableFile::read(uint64_t row) const {
  std::string text(rows_[row + 1] - rows_[row], '\0');
  input_->read(rows_[row], std::as_writable_bytes(std::span(text)));
  return text;
}

PluginError TableFile::wrong(uint64_t row, uint64_t byte_in_row, std::string_view words) const { return wrong_at(rows_[row] + byte_in_row, words); }

PluginError TableFile::wrong_at(uint64_t offset, std::string_view words) const {
  uint64_t line = 1, line_begin = first_byte(*input_);
  for_each_piece(*input_, line_begin, offset, [&](std::string_view piece, uint64_t begin) {
    line += static_cast<uint64_t>(std::count(piece.begin(), piece.end(), '\n'));
    if (const size_t last = piece.rfind('\n'); last != std::string_view::npos) line_begin = begin + last + 1;
  });
  return {TRAINHOST_DATA_LOSS, format("{}:{}:{}: {}", input_->path(), line, offset - line_begin + 1, words)};
}

}  // namespace trainhost
