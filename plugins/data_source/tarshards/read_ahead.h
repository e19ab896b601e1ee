// Large pieces of shards instead of many small ones, where the page cache can hold them until they are needed.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

#include "files/ranged_file.h"

namespace trainhost::tarshards {

/// Whether the memory that is free for the page cache, of the machine and of the group of processes, is twice as large.
bool fits_into_memory(uint64_t bytes);

/// One shard's pieces of kPiece. The host mixes the samples of some shards with each other: who reads one sample will soon read its neighbours, and a disk gives a
/// piece in about the time of one sample.
class ReadAhead {
 public:
  static constexpr uint64_t kPiece = uint64_t{1} << 20;

  /// Does nothing until begin().
  ReadAhead() = default;
  void begin(const RangedFile& file);

  /// Asks the system for the pieces that hold these bytes, each once. Does not wait. [any]
  void expect(const RangedFile& file, uint64_t offset, uint64_t size);

 private:
  std::unique_ptr<std::atomic<bool>[]> is_asked_;
};

}  // namespace trainhost::tarshards
