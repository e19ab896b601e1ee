#include "row_group_cache.h"

#include <algorithm>

namespace trainhost::parquet_source {
namespace {

// Small row groups count as larger ones, so that the list stays short.
constexpr uint64_t kLeastWeight = uint64_t{1} << 20;

}  // namespace

std::shared_ptr<const RowGroup> RowGroupCache::get(uint64_t number, const std::function<RowGroup()>& decode) {
  const std::shared_ptr<Entry> wanted = entry(number);
  const std::lock_guard lock(wanted->mutex);
  if (!wanted->group) {
    wanted->group = std::make_shared<const RowGroup>(decode());
    count(wanted, std::max(kLeastWeight, wanted->group->num_bytes));
  }
  return wanted->group;
}

std::shared_ptr<RowGroupCache::Entry> RowGroupCache::entry(uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& one) { return one->number == number; });
  if (found == entries_.end()) entries_.push_front(std::make_shared<Entry>(number));
  else entries_.splice(entries_.begin(), entries_, found);
  return entries_.front();
}

// An entry that is not decoded yet weighs nothing and stays.
void RowGroupCache::count(const std::shared_ptr<Entry>& entry, uint64_t num_bytes) {
  std::list<std::shared_ptr<Entry>> gone;  // freed without the lock
  const std::lock_guard lock(mutex_);
  entry->num_bytes = num_bytes;
  bytes_ += num_bytes;
  for (auto last = entries_.end(); bytes_ > most_bytes_ && last != entries_.begin();) {
    const auto one = std::prev(last);
    if ((*one)->num_bytes == 0 || *one == entry) {
      last = one;
      continue;
    }
    bytes_ -= (*one)->num_bytes;
    gone.splice(gone.begin(), entries_, one);
  }
}

}  // namespace trainhost::parquet_source
