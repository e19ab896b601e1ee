// What a .gz file holds, from its beginning on.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "files/input_file.h"

namespace trainhost {

/// Whether the file begins as gzip files do.
bool is_gzip(const InputFile& file);

class GzipReader {
 public:
  explicit GzipReader(const InputFile& file);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  /// Fills `out` with what comes next. Throws PluginError DATA_LOSS for a damaged file and for one that ends before.
  void read(std::span<std::byte> out);
  /// Throws PluginError DATA_LOSS unless everything was read, its checksum is right and nothing follows.
  void finish();

 private:
  struct State;
  bool step(std::span<std::byte>& out);

  const InputFile& file_;
  std::unique_ptr<State> state_;
};

}  // namespace trainhost
