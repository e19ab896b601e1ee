// Queues and sets; the rules of their order stand in the header.
#include "backlog.h"

#include <algorithm>

#include "names.h"

namespace mirrorckpt {

namespace {

template <class Container>
void erase(Container& container, std::string_view key) {
  if (const auto found = container.find(key); found != container.end()) container.erase(found);
}

/// Files first, then the commit record, then the marks.
void order_for_sending(Listing& folder) {
  std::stable_sort(folder.begin(), folder.end(), [](const auto& a, const auto& b) { return record_rank(a.key) < record_rank(b.key); });
}

/// The committed folders of a listing, the one that was committed first first, each in the order for sending.
std::vector<Listing> committed_folders(const Listing& listing) {
  std::map<std::string, Listing, std::less<>> by_name;
  for (const auto& object : listing) by_name[std::string(folder_of(object.key))].push_back(object);
  std::vector<Listing> folders;
  for (auto& [name, folder] : by_name) {
    order_for_sending(folder);
    if (std::any_of(folder.begin(), folder.end(), [](const auto& object) { return is_commit(object.key); })) folders.push_back(std::move(folder));
  }
  const auto committed_at = [](const Listing& folder) {
    return std::find_if(folder.begin(), folder.end(), [](const auto& object) { return is_commit(object.key); })->modified_unix_ms;
  };
  std::stable_sort(folders.begin(), folders.end(), [&](const Listing& a, const Listing& b) { return committed_at(a) < committed_at(b); });
  return folders;
}

}  // namespace

void Backlog::begin(const Listing& near) {
  for (const auto& object : near)
    if (is_commit(object.key)) commits_.emplace(folder_of(object.key));
}

void Backlog::refresh_far(const Listing& far) {
  far_.clear();
  for (const auto& object : far) {
    far_.emplace(object.key, object.size);
    if (is_commit(object.key) && !is_hidden(object.key)) commits_.emplace(folder_of(object.key));
  }
  is_far_known_ = true;
}

std::vector<std::string> Backlog::learn_far(const Listing& near, const Listing& far, Clock::time_point now) {
  refresh_far(far);
  std::vector<std::string> unlike;
  std::deque<Item> since_start;
  std::swap(since_start, pending_);
  order_ages(near, far);
  for (const Listing& folder : committed_folders(near))
    for (const auto& object : folder) {
      if (is_hidden(object.key)) continue;
      const auto found = far_.find(object.key);
      if (found != far_.end() && found->second != object.size) unlike.push_back(object.key);
      queue({object.key, object.size, record_rank(object.key) > 0, now});
    }
  for (Item& item : since_start) queue(std::move(item));
  const auto is_pending = [&](const std::string& folder) { return std::any_of(pending_.begin(), pending_.end(), [&](const Item& item) { return folder_of(item.key) == folder; }); };
  for (const auto& [folder, age] : ages_)
    if (far_.contains(folder + "/" + std::string(kCommit)) && commits_.contains(folder) && !is_pending(folder)) newest_far_age_ = std::max(newest_far_age_, age);
  return unlike;
}

// What the far place holds came there in the order of its commits; what it lacks comes later. Of equal times, as some stores count in seconds, the near place's decide.
void Backlog::order_ages(const Listing& near, const Listing& far) {
  struct Times {
    std::int64_t far = INT64_MAX, near = 0;
  };
  std::map<std::string, Times, std::less<>> folders;
  for (const auto& object : near)
    if (is_commit(object.key)) folders[std::string(folder_of(object.key))].near = object.modified_unix_ms;
  for (const auto& object : far)
    if (is_commit(object.key)) folders[std::string(folder_of(object.key))].far = object.modified_unix_ms;
  std::vector<std::pair<std::string, Times>> sorted(folders.begin(), folders.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return std::pair(a.second.far, a.second.near) < std::pair(b.second.far, b.second.near); });
  for (std::size_t i = 0; i < sorted.size(); ++i) ages_.emplace(sorted[i].first, static_cast<std::int64_t>(i) - static_cast<std::int64_t>(sorted.size()));
}

std::int64_t Backlog::age_of(std::string_view folder) const {
  const auto age = ages_.find(folder);
  return age == ages_.end() ? kOldest : age->second;
}

void Backlog::queue(Item item) {
  const bool is_queued = std::any_of(pending_.begin(), pending_.end(), [&](const Item& other) { return other.key == item.key; });
  if (!is_queued && !far_.contains(item.key)) pending_.push_back(std::move(item));
}

void Backlog::commit(std::string_view folder, Listing files, Clock::time_point now) {
  commits_.emplace(folder);
  if (!ages_.contains(folder)) ages_.emplace(folder, ++num_commits_);
  order_for_sending(files);
  for (auto& object : files) queue({object.key, object.size, record_rank(object.key) > 0, now});
}

void Backlog::add_record(std::string_view key, std::uint64_t size, Clock::time_point now) { queue({std::string(key), size, true, now}); }

bool Backlog::put_off_remove(std::string_view key) {
  if (is_commit(key)) erase(commits_, folder_of(key));
  const bool is_in_work = !folder_in_work_.empty() && folder_of(key) == folder_in_work_;
  if (is_in_work) {  // it is sent to the end: else a place that is slower than the saves would never hold a whole one
    near_removals_.emplace_back(key);
    remove_far_later(key);
  } else {
    std::erase_if(pending_, [&](const Item& item) { return item.key == key; });
  }
  return is_in_work;
}

void Backlog::end_remove(std::string_view key) {
  if (!is_far_known_ || far_.contains(key)) remove_far_later(key);
}

void Backlog::remove_far_later(std::string_view key) {
  if (hidden_.emplace(key).second) removals_.emplace_back(key);
}

bool Backlog::may_remove_far() const { return !removals_.empty() && (newest_far_age_ > age_of(folder_of(removals_.front())) || commits_.empty()); }

std::size_t Backlog::num_removals() const {
  return static_cast<std::size_t>(std::count_if(removals_.begin(), removals_.end(), [](const std::string& key) { return !folder_of(key).empty(); }));
}

bool Backlog::has_work() const { return !pending_.empty() || may_remove_far() || !near_removals_.empty() || !is_far_known_; }

std::optional<Work> Backlog::next() {
  auto item = std::find_if(pending_.begin(), pending_.end(), [&](const Item& other) { return !folder_in_work_.empty() && folder_of(other.key) == folder_in_work_; });
  if (item == pending_.end()) {
    folder_in_work_.clear();
    if (may_remove_far()) return Work{Work::Kind::kRemove, {removals_.front(), 0, false, {}}};
    if (pending_.empty()) return std::nullopt;
    item = pending_.begin();
    folder_in_work_ = folder_of(item->key);
  }
  return Work{Work::Kind::kSend, *item};
}

void Backlog::sent(const Item& item) {
  far_[item.key] = item.size;
  std::erase_if(pending_, [&](const Item& other) { return other.key == item.key; });
  if (is_commit(item.key)) newest_far_age_ = std::max(newest_far_age_, age_of(folder_of(item.key)));
  const bool is_last = std::none_of(pending_.begin(), pending_.end(), [&](const Item& other) { return folder_of(other.key) == folder_in_work_; });
  if (is_last) folder_in_work_.clear();
}

void Backlog::removed_far(std::string_view key) {
  erase(far_, key);
  erase(hidden_, key);
  std::erase(removals_, key);
}

std::size_t Backlog::drop_folder(std::string_view folder) {
  if (folder_in_work_ == folder) folder_in_work_.clear();
  return std::erase_if(pending_, [&](const Item& item) { return folder_of(item.key) == folder; });
}

std::vector<std::string> Backlog::take_near_removals() { return folder_in_work_.empty() ? std::exchange(near_removals_, {}) : std::vector<std::string>{}; }

Listing Backlog::merge(std::string_view prefix, Listing near) const {
  std::erase_if(near, [&](const auto& object) { return is_hidden(object.key); });
  const std::size_t num_near = near.size();
  for (auto object = far_.lower_bound(prefix); object != far_.end() && object->first.starts_with(prefix); ++object) {
    const auto end = near.begin() + static_cast<std::ptrdiff_t>(num_near);
    const auto same = std::lower_bound(near.begin(), end, object->first, [](const auto& a, const std::string& key) { return a.key < key; });
    if (!is_hidden(object->first) && (same == end || same->key != object->first)) near.push_back({object->first, object->second, 0});
  }
  std::inplace_merge(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(num_near), near.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return near;
}

Lag Backlog::lag(Clock::time_point now) const {
  Lag lag;
  std::set<std::string_view> folders;
  for (const Item& item : pending_) {
    lag.objects += 1;
    lag.bytes += item.size;
    lag.seconds = std::max(lag.seconds, std::chrono::duration<double>(now - item.since).count());
    if (commits_.contains(folder_of(item.key))) folders.insert(folder_of(item.key));
  }
  lag.checkpoints.assign(folders.begin(), folders.end());
  return lag;
}

}  // namespace mirrorckpt
