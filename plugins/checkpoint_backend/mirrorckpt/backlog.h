// What the far place lacks and what it has too much, in the order in which that may be mended. Everything follows from the lists of both places and from
// what was done since; nothing of it needs to survive the process.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/cpp/upstream_backend.hpp>

namespace mirrorckpt {

using Clock = std::chrono::steady_clock;
using Listing = std::vector<trainhost::UpstreamBackend::Object>;

/// An object that is durable near and not yet far.
struct Item {
  std::string key;
  std::uint64_t size = 0;
  bool is_record = false;  // made with create
  Clock::time_point since{};
};

/// One thing to do in the far place.
struct Work {
  enum class Kind { kSend, kRemove } kind;
  Item item;  // of kRemove only the key
};

struct Lag {
  std::uint64_t objects = 0, bytes = 0;
  double seconds = 0;  // since the oldest of them was durable near
  std::vector<std::string> checkpoints;  // folders that are not whole in the far place
};

/// Not thread-safe.
class Backlog {
 public:
  /// Takes note of what lies near when the process starts.
  void begin(const Listing& near);
  /// The far place as it is. Objects of committed folders that it lacks are queued. Returns the keys whose objects have different sizes in the two places: one
  /// of them is damaged, or somebody else wrote there; they are left as they are.
  std::vector<std::string> learn_far(const Listing& near, const Listing& far, Clock::time_point now);
  /// The far place as it is, later on: others may have written there.
  void refresh_far(const Listing& far);
  bool is_far_known() const { return is_far_known_; }

  /// The commit record of a folder is durable near; `files`: all that lies in the folder.
  void commit(std::string_view folder, Listing files, Clock::time_point now);
  /// Another record is.
  void add_record(std::string_view key, std::uint64_t size, Clock::time_point now);

  /// The host removes an object. True: its folder is being sent, so that it stays near until take_near_removals() gives it back. False: remove it near, then
  /// call end_remove().
  bool put_off_remove(std::string_view key);
  /// It is gone near; now it may go far, in its turn.
  void end_remove(std::string_view key);

  /// What to do next; nullopt: nothing now. A removal waits until a checkpoint that was committed later is whole in the far place; where the host has removed
  /// every checkpoint there is nothing to wait for.
  std::optional<Work> next();
  bool has_work() const;
  /// Whether there is a removal that waits no longer.
  bool may_remove_far() const;
  /// Of objects of checkpoints.
  std::size_t num_removals() const;
  void sent(const Item& item);
  void removed_far(std::string_view key);
  /// Gives up on a folder that cannot be read near; returns how many objects of it were waiting.
  std::size_t drop_folder(std::string_view folder);
  /// What put_off_remove() kept, once its folder is no longer being sent.
  std::vector<std::string> take_near_removals();

  /// The host has removed it; that it still lies somewhere is nobody's business.
  bool is_hidden(std::string_view key) const { return hidden_.contains(key); }
  bool is_far(std::string_view key) const { return far_.contains(key); }
  /// Both places as one, in bytewise order.
  Listing merge(std::string_view prefix, Listing near) const;
  bool has_checkpoints() const { return !commits_.empty(); }
  Lag lag(Clock::time_point now) const;

 private:
  void queue(Item item);
  void remove_far_later(std::string_view key);
  void order_ages(const Listing& near, const Listing& far);
  std::int64_t age_of(std::string_view folder) const;

  bool is_far_known_ = false;
  std::map<std::string, std::uint64_t, std::less<>> far_;  // key -> size
  std::deque<Item> pending_;
  std::string folder_in_work_;
  std::deque<std::string> removals_;
  std::vector<std::string> near_removals_;
  std::set<std::string, std::less<>> hidden_;
  std::set<std::string, std::less<>> commits_;             // folders with a commit record that the host sees
  static constexpr std::int64_t kOldest = INT64_MIN;
  std::map<std::string, std::int64_t, std::less<>> ages_;  // folder -> number of its commit: from 1 in this process, below that of those before it
  std::int64_t num_commits_ = 0, newest_far_age_ = kOldest;  // of the newest that is whole in the far place
};

}  // namespace mirrorckpt
