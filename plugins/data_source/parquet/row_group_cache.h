// Row groups that were decoded lately.
#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "column_view.h"

namespace trainhost::parquet_source {

struct RowGroup {
  std::shared_ptr<arrow::Table> table;
  std::vector<std::vector<ColumnView>> columns;  // of each field
  uint64_t num_bytes = 0;
};

/// Bounded by bytes; the least recently used goes first. A row group that several threads want is decoded once, the others wait for it.
class RowGroupCache {
 public:
  explicit RowGroupCache(uint64_t most_bytes) : most_bytes_(most_bytes) {}

  /// `decode` is called where row group `number` is not there; what it throws goes to this caller alone, and the next one tries again. [any]
  std::shared_ptr<const RowGroup> get(uint64_t number, const std::function<RowGroup()>& decode);

 private:
  struct Entry {
    explicit Entry(uint64_t number_of_group) : number(number_of_group) {}
    const uint64_t number;
    std::mutex mutex;                       // held by who decodes
    std::shared_ptr<const RowGroup> group;  // shared: a reader may still copy out of what has made room for others
    uint64_t num_bytes = 0;                 // as counted in bytes_; under the cache's mutex
  };
  std::shared_ptr<Entry> entry(uint64_t number);
  void count(const std::shared_ptr<Entry>& entry, uint64_t num_bytes);

  const uint64_t most_bytes_;
  std::mutex mutex_;
  uint64_t bytes_ = 0;
  std::list<std::shared_ptr<Entry>> entries_;  // the one used last comes first; few, so that they are looked through
};

}  // namespace trainhost::parquet_source
