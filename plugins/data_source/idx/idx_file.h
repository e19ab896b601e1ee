// Files of the MNIST family: a header with sizes, then bytes. Plain or gzip.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "files/input_file.h"

namespace trainhost {

/// Plain files are read piece by piece; what is in a .gz file is inflated at once and stays in memory.
class IdxFile {
 public:
  /// Throws PluginError: DATA_LOSS for a file that is cut or damaged, INVALID_ARGUMENT for one that holds something else than bytes, RESOURCE_EXHAUSTED for a .gz
  /// file whose content would take more than `max_memory` bytes.
  IdxFile(std::filesystem::path path, uint64_t max_memory);

  const InputFile& input() const { return input_; }
  const std::vector<uint64_t>& sizes() const { return sizes_; }  // at least one
  uint64_t num_rows() const { return sizes_.front(); }
  uint64_t row_bytes() const;

  /// Fills `out` with the bytes of one row. [any]
  void read(uint64_t row, std::span<std::byte> out) const;
  /// All rows.
  std::vector<std::byte> read_all() const;

 private:
  template <class Read>
  void read_header(const Read& read);
  uint64_t content_bytes() const { return num_rows() * row_bytes(); }
  void inflate(uint64_t max_memory);

  InputFile input_;
  uint64_t header_bytes_ = 0;
  std::vector<uint64_t> sizes_;
  bool is_inflated_ = false;
  std::vector<std::byte> content_;  // of a .gz file
};

}  // namespace trainhost
