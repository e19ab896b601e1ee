// Two places as one: what is durable near is followed by the far place, on a thread of its own.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include <trainhost/cpp/upstream_backend.hpp>

#include "backlog.h"
#include "sender.h"

namespace mirrorckpt {

struct Config {
  std::uint64_t part_bytes = 8 << 20;
  std::uint64_t parts_at_once = 4;
  double wait_at_end_seconds = 300;
  double retry_seconds = 30;
  double report_seconds = 10;
  bool start_without_far = false;
};

/// All functions throw PluginError, and may be called from several threads at once, between open() and close().
class Mirror {
 public:
  Mirror(const trainhost::Host& host, const Config& config);
  ~Mirror() { close(); }

  /// Looks at both places. Throws when neither holds anything and the far one does not answer, and when it refuses.
  void open();
  /// Waits for what the far place lacks, as long as the config says, and tells what is missing then. A second time does nothing.
  void close();

  /// Throws ALREADY_EXISTS for a key that is taken in either place; the first time looks whether the far place can be written. Then near() takes the object.
  void begin_put(std::string_view key);
  const trainhost::UpstreamBackend& near() const { return sender_.near; }
  void create(std::string_view key, std::span<const std::byte> bytes);
  std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> out);
  std::size_t get_copy(bool is_far, std::string_view key, std::uint64_t offset, std::span<std::byte> out);
  Listing list(std::string_view prefix);
  void remove(std::string_view key);

 private:
  void warn_of_unlike(const std::vector<std::string>& keys) const;
  void require_no_conflict();
  void require_far_is_writable();
  void require_equal_far(std::string_view key, std::span<const std::byte> bytes);
  bool is_near(std::string_view key) const;
  std::size_t get_far(std::string_view key, std::uint64_t offset, std::span<std::byte> out);

  void work();
  bool work_once();
  void send(const Item& item);
  void learn_far();
  void remove_near();
  void say_sent(const Item& item);
  void report_lag(bool is_due);
  void far_answers();
  void far_fails(const std::string& why);
  void wait_to_retry();
  bool is_over() const;
  void start_working();
  void say_what_is_left();
  void say_what_is_missing();

  const trainhost::Host& host_;
  Config config_;
  Sender sender_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  Backlog backlog_;
  std::string conflict_;      // why nothing may be written any more
  std::map<std::string, std::string, std::less<>> far_records_;  // small objects that were read from the far place once
  bool is_closing_ = false;
  Clock::time_point give_up_at_{};
  std::vector<std::string> unreadable_;  // folders that were given up

  std::atomic<bool> is_far_up_ = false;
  std::once_flag probed_;
  Clock::time_point down_since_{}, reported_at_{};  // of the worker
  bool was_behind_ = false;
  double retry_wait_ = 0;
  std::thread worker_;
};

}  // namespace mirrorckpt
