// One file of rows, with an index of where they begin.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/cpp/error.hpp>

#include "files/input_file.h"
#include "files/offset_store.h"
#include "offsets.h"

namespace trainhost {

struct TableFormat {
  bool is_json = false;
  char delimiter = ',';
  bool has_header = true;  // of csv
};

class TableFile {
 public:
  TableFile(std::unique_ptr<InputFile> input, const TableFormat& format) : input_(std::move(input)), format_(format) {}

  /// Finds the rows, or takes those that the store knows; to be called once, before the rest. `check_cancelled` is called now and then. Returns why the rows could not
  /// be kept for the next run, if so. Throws PluginError DATA_LOSS with file:line:column for what is no csv, for rows of 32 MB or more, and for a missing header.
  std::string scan(const OffsetStore& store, const std::function<void()>& check_cancelled);

  const InputFile& input() const { return *input_; }
  bool is_json() const { return format_.is_json; }
  uint64_t num_rows() const { return rows_.size() - 1; }
  /// Of the header; empty where there is none.
  const std::vector<std::string>& columns() const { return columns_; }

  /// The bytes of one row, with what ends it. [any]
  std::string read(uint64_t row) const;
  /// DATA_LOSS that begins with "path:line:column: ", counted from 1, in bytes. Reads the file up to there.
  PluginError wrong(uint64_t row, uint64_t byte_in_row, std::string_view words) const;

 private:
  PluginError wrong_at(uint64_t offset, std::string_view words) const;
  void add_row(uint64_t offset);
  void scan_all(const std::function<void()>& check_cancelled);
  void scan_lines(std::string_view piece, uint64_t offset);
  void take_header();

  std::unique_ptr<InputFile> input_;
  TableFormat format_;
  Offsets rows_;  // and the end of the last one
  std::vector<std::string> columns_;
  bool is_line_start_ = true;
};

}  // namespace trainhost
