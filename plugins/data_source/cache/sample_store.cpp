// Lookups take the index's lock for a moment; the reading itself takes none.
#include "sample_store.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <system_error>

#include <trainhost/format.hpp>

#include "files/byte_size.h"
#include "files/whole_file.h"
#include "store_folder.h"

namespace trainhost::sample_cache {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSegmentBytes = uint64_t{256} << 20;
constexpr int64_t kRefreshMs = 1000;  // how often a miss looks for what other processes have appended
constexpr uint64_t kIndexRoom = 64;    // of an index without its records
constexpr int64_t kBeforeStart = 60;   // seconds: the sets of one run are opened one after the other

}  // namespace

int64_t steady_ms() { return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

SampleStore::SampleStore(Options options, Say warn)
    : options_(std::move(options)), warn_(std::move(warn)), segment_bytes_(std::min(kSegmentBytes, std::max<uint64_t>(options_.limit_bytes / 4, 4096))), started_s_(unix_seconds() - kBeforeStart) {
  refresh();
}

SampleStore::~SampleStore() {
  const std::lock_guard lock(append_mutex_);
  close_own();
}

uint64_t SampleStore::num_samples() const {
  const std::shared_lock lock(mutex_);
  return places_.size();
}

// The caller holds mutex_.
void SampleStore::take(Segment& segment, const std::vector<Record>& records) {
  for (const Record& record : records) places_.insert_or_assign(record.id, Place{&segment, record});
}

// New segments, and what is new in those of others.
void SampleStore::refresh() {
  const std::lock_guard one(refresh_mutex_);
  refreshed_ms_ = steady_ms();
  const fs::path folder = set_folder(options_.root, options_.key);
  const std::unique_lock lock(mutex_);
  for (const auto& segment : segments_)
    if (segment.get() != own_ && std::find(dropped_.begin(), dropped_.end(), segment.get()) == dropped_.end()) take(*segment, segment->scan());
  for (const fs::path& path : segment_paths(folder)) {
    if (std::find(opened_.begin(), opened_.end(), path) != opened_.end()) continue;
    auto segment = Segment::open(path, options_.key);
    if (!segment) continue;  // perhaps its header is being written
    opened_.push_back(path);
    segment->touch();  // it is of use to this run, whether the run meets its samples soon or late
    take(*segment, segment->read_index());
    take(*segment, segment->scan());
    segments_.push_back(std::move(segment));
  }
}

bool SampleStore::find(uint64_t id, Place& place) {
  const std::shared_lock lock(mutex_);
  const auto found = places_.find(id);
  if (found == places_.end()) return false;
  place = found->second;
  return true;
}

bool SampleStore::read(uint64_t id, std::vector<std::byte>& record) {
  Place place{};
  if (!find(id, place)) {
    if (steady_ms() - refreshed_ms_ < kRefreshMs) return false;
    refresh();
    if (!find(id, place)) return false;
  }
  record.resize(Segment::kRecordHeaderBytes + place.record.bytes);
  if (!place.segment->read(place.record, std::span(record).subspan(Segment::kRecordHeaderBytes))) {
    drop(*place.segment, id);
    return false;
  }
  place.segment->touch();
  return true;
}

// A disk that has lost one record has perhaps lost others: nothing of the segment is used any more, and the samples are read again where they came from.
void SampleStore::drop(Segment& segment, uint64_t id) {
  {
    const std::unique_lock lock(mutex_);
    if (std::find(dropped_.begin(), dropped_.end(), &segment) != dropped_.end()) return;
    dropped_.push_back(&segment);
    std::erase_if(places_, [&](const auto& entry) { return entry.second.segment == &segment; });
  }
  ++damaged_;
  std::string fate = "it is removed";
  try {
    const std::lock_guard append_lock(append_mutex_);
    if (own_ == &segment) set_own(nullptr);
    const FolderLock folder_lock(options_.root);
    std::error_code error;
    if (segment.lock() && segment.is_there()) {  // else another process writes it, and finds the damage itself
      fs::remove(index_path(segment.path()), error);
      if (!fs::remove(segment.path(), error)) fate = "it cannot be removed: " + error.message();
    }
    segment.unlock();
  } catch (const std::system_error& failure) {
    fate = format("it cannot be removed: {}", failure.what());
  }
  warn_(format("{}: what was kept of sample {} is damaged; its samples are read again from the source, {}", segment.path(), id, fate));
}

void SampleStore::append(uint64_t id, std::vector<std::byte>& record) {
  const std::lock_guard lock(append_mutex_);
  Place kept{};
  if (!is_keeping_ || find(id, kept)) return;
  try {
    Segment* segment = segment_for(record.size() + 8 + Segment::kIndexBytes);
    if (!segment) return;
    const Record written = segment->append(id, record);
    appended_bytes_ += record.size();
    ++own_records_;
    const std::unique_lock index_lock(mutex_);
    take(*segment, {written});
  } catch (const std::system_error& failure) {
    keep_no_more(failure.what());
  }
}

Segment* SampleStore::segment_for(uint64_t bytes) {
  if (own_ && own_->end() + own_records_ * Segment::kIndexBytes + bytes <= segment_bytes_) return own_;
  close_own();
  if (!adopt(bytes)) create(bytes);
  return own_;
}

// Read under either lock, written under both.
void SampleStore::set_own(Segment* segment) {
  const std::unique_lock lock(mutex_);
  own_ = segment;
  own_records_ = 0;
}

// One that another process has begun and writes no more.
bool SampleStore::adopt(uint64_t bytes) {
  const std::unique_lock lock(mutex_);
  for (const auto& segment : segments_) {
    const bool is_dropped = std::find(dropped_.begin(), dropped_.end(), segment.get()) != dropped_.end();
    if (is_dropped || segment->end() + bytes > segment_bytes_ || !segment->lock()) continue;
    take(*segment, segment->scan());
    if (segment->is_there() && segment->end() + bytes <= segment_bytes_) {
      segment->drop_tail();
      own_ = segment.get();
      own_records_ = static_cast<uint64_t>(std::count_if(places_.begin(), places_.end(), [&](const auto& entry) { return entry.second.segment == own_; }));
      return true;
    }
    segment->unlock();
  }
  return false;
}

void SampleStore::create(uint64_t bytes) {
  fs::create_directories(options_.root);
  const FolderLock folder_lock(options_.root);
  const uint64_t wanted = std::max(segment_bytes_, bytes + Segment::kHeaderBytes) + kIndexRoom;
  const uint64_t others = options_.limit_bytes > wanted ? options_.limit_bytes - wanted : 0;
  const Collected room = collect(options_.root, others, started_s_);
  if (room.left_bytes + wanted > options_.limit_bytes)
    return keep_no_more(format("the limit of {} is reached, and all of it is in use; raise cache.limit to keep the rest", byte_size_text(options_.limit_bytes)));
  const fs::path folder = set_folder(options_.root, options_.key);
  fs::create_directories(folder);
  uint64_t number = 1;
  for (const fs::path& path : segment_paths(folder)) number = std::max<uint64_t>(number, std::strtoull(path.stem().c_str(), nullptr, 10) + 1);
  if (number == 1) (void)write_whole(folder / kDescriptionFile, std::as_bytes(std::span(options_.description)));
  auto segment = Segment::create(folder / format("{:08}{}", number, Segment::kSuffix), options_.key);
  const std::unique_lock lock(mutex_);
  opened_.push_back(segment->path());
  segments_.push_back(std::move(segment));
  own_ = segments_.back().get();
}

void SampleStore::close_own() {
  if (!own_) return;
  std::vector<Record> records;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [id, place] : places_)
      if (place.segment == own_) records.push_back(place.record);
  }
  std::sort(records.begin(), records.end(), [](const Record& a, const Record& b) { return a.offset < b.offset; });
  own_->write_index(records);
  own_->unlock();
  set_own(nullptr);
}

void SampleStore::keep_no_more(const std::string& reason) {
  if (!is_keeping_.exchange(false)) return;
  close_own();
  warn_(format("no more samples are kept, the run goes on without: {}", reason));
}

}  // namespace trainhost::sample_cache
