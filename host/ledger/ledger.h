// Where the run's time and money went: wall time split without rest, on the integer nanosecond.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/call_meter.h"
#include "base/clock.h"
#include "ledger/totals.h"

namespace trainhost {

/// Wall time of a run from the start of its first process on, without the time between attempts. The train thread has a stack of activities whose top is
/// charged; a plugin call on that thread is charged to the plugin and to nothing else. So all parts together are the wall time exactly. Plugin calls on
/// other threads overlap with it and are summed apart, as background. The thread that constructs the ledger is the train thread.
class Ledger final : public CallMeter {
 public:
  struct Options {
    std::optional<double> price_per_hour;  // of the whole machine; absent = not measured
    std::string currency = "usd";
    Clock clock = monotonic_seconds;
    std::optional<double> start_seconds;  // reading of `clock` at which the bill begins; absent: the start of this process
  };
  explicit Ledger(Options options);

  /// Until here all time that no scope claims is start-up, from here on it is idle. [train]
  void finish_start_up();

  /// Charges the time of its life, scopes and plugin calls within it left out, to one activity. [train]
  class Scope {
   public:
    Scope(Ledger& ledger, Activity activity) : ledger_(ledger) { ledger_.push(&ledger_.current_.activities[static_cast<size_t>(activity)]); }
    ~Scope() { ledger_.pop(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Ledger& ledger_;
  };

  /// Throws Error(kPlugin) for account number 1025. [any]
  uint32_t open_account(const std::string& plugin) override;
  void enter(uint32_t account, const char* function) override;  // [any]
  void leave(uint32_t account) override;                        // [any]; takes back the calling thread's last enter

  /// Wall time of all attempts together. [any]
  double seconds() const;
  /// Their price; nullopt = not measured. Time of earlier attempts counts at the price of then; where none was known, at today's. [any]
  std::optional<double> cost() const;
  /// Of all attempts, up to now. [train]
  double seconds_in(Activity activity);
  /// Data wait over wall time, of all attempts. [train]
  double data_wait_share();
  /// Everything, for people and for the event `ledger`. [train]
  LedgerReport report();

  /// The process before this one ended without notice. [train]
  void count_interruption() { ++num_new_interruptions_; }
  /// Of all attempts. [train]
  uint64_t num_interruptions() const { return num_earlier_interruptions_ + num_new_interruptions_; }

  const std::string& currency() const { return options_.currency; }
  std::optional<double> price_per_hour() const { return options_.price_per_hour; }

  /// All attempts up to now: goes into each checkpoint and each event `ledger`. [train]
  nlohmann::json to_json();
  /// Adds what earlier attempts had spent. May be called with several candidates (the checkpoint's, the log's): the one saved last wins, since a process
  /// that was killed has paid for time after its last checkpoint. Throws Error(kCheckpointUnreadable) when the object is damaged, Error(kConfig) when its
  /// currency is another one. [main]
  void restore_json(const nlohmann::json& saved);

 private:
  struct Account {
    std::string plugin;
    int64_t train_ns = 0;      // [train]
    uint64_t train_calls = 0;  // [train]
    std::atomic<int64_t> background_ns = 0;
    std::atomic<uint64_t> background_calls = 0;
  };
  static constexpr uint32_t kMaxAccounts = 1024;  // fixed, so that enter() needs no lock

  bool is_train_thread() const { return std::this_thread::get_id() == train_thread_; }
  int64_t now() const { return static_cast<int64_t>(options_.clock() * 1e9); }
  void charge();
  void push(int64_t* part);
  void pop();
  Totals totals_now();

  Options options_;
  std::thread::id train_thread_;
  int64_t start_ns_ = 0, charged_until_ns_ = 0;
  Totals current_;               // activities of this attempt; its plugins are in accounts_
  std::vector<int64_t*> stack_;  // parts of the train thread, the top is charged
  std::unique_ptr<Account[]> accounts_;
  std::atomic<uint32_t> num_accounts_ = 0;
  std::mutex accounts_mutex_;
  std::vector<Totals> earlier_;  // one for each price
  uint64_t num_earlier_attempts_ = 0, num_earlier_interruptions_ = 0, num_new_interruptions_ = 0;
  int64_t restored_saved_unix_ns_ = -1, first_start_unix_ns_ = 0;
};

}  // namespace trainhost
