// What the reading threads and their owner share: the tickets, the memory that they may take, the bill of time (inside of the data room).
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/batch_reader.h"
#include "data/cancellation.h"
#include "data/read_ahead.h"
#include "data/staging.h"

namespace trainhost {

/// Functions marked [owner] are called on the owner's thread, run() on the workers'.
class ReadAhead::Core : public std::enable_shared_from_this<ReadAhead::Core> {
 public:
  Core(const SampleSource& source, BatchDevice& device, ReadAheadOptions options);

  bool has_room() const { return tickets_.size() < depth_; }  // [owner], who alone changes them
  bool is_empty() const { return tickets_.empty(); }
  void push(SampleList samples);  // [owner]
  Item pop();                     // [owner]
  void clear();                   // [owner]
  void cancel();                  // [any]
  ReadingWork work() const;       // [owner]

  void set_threads(uint64_t threads);                                   // [owner]
  uint64_t num_missing() const;                                         // [owner] workers that are to be begun
  std::shared_ptr<bool> add_worker();                                   // [owner]
  bool has_ended(const std::shared_ptr<bool>& worker) const;            // [owner]
  bool wait_for_workers(double seconds);                                // [owner] false: some are still there
  void run(const std::shared_ptr<bool>& has_ended);                     // a worker's life
  double grace_seconds() const { return is_stalled_ ? std::min(1.0, options_.stall_seconds) : options_.stall_seconds; }  // [owner]
  const SampleSource& source() const { return source_; }
  const std::string& place() const { return reader_.place(); }

 private:
  struct Ticket {
    SampleList samples;
    Cancellation cancellation;
    std::atomic<uint64_t> progress = 0;
    bool is_started = false, is_done = false;  // under mutex_, as all below
    std::unique_ptr<DeviceBatch> batch;
    uint64_t bytes = 0;
    StageSeconds seconds;
    std::exception_ptr failure;
  };
  /// A part of the memory for batches; released when the batch's host memory is.
  struct Charge;
  struct Life;  // of a worker: says so when it ends, however it ends
  /// What the owner looks at while it waits.
  struct Watch {
    const Ticket* ticket = nullptr;
    uint64_t progress = 0;
    double since = 0;
  };

  std::shared_ptr<Ticket> take(std::shared_ptr<Charge>& charge);
  void wait_for_memory(std::unique_lock<std::mutex>& lock);
  std::shared_ptr<Charge> admit(uint64_t num_samples);
  void carry_out(Ticket& ticket, std::shared_ptr<Charge> charge);
  void finish(Ticket& ticket, std::unique_ptr<DeviceBatch> batch, const ReadBatch& read, double cpu_seconds, std::exception_ptr failure);
  StageSeconds wait_for_front(std::unique_lock<std::mutex>& lock);
  void require_progress(Watch& watch);
  std::string stall_text(const Ticket* ticket, double seconds) const;
  void change_charge(uint64_t from, uint64_t to);
  void count_available();

  const SampleSource& source_;
  BatchDevice& device_;
  const ReadAheadOptions options_;
  Staging staging_;
  BatchReader reader_;

  mutable std::mutex mutex_;
  std::condition_variable has_work_, is_done_, has_fewer_workers_;
  bool is_cancelled_ = false, is_stalled_ = false;
  bool is_polling_ = false;  // a worker asks the device for memory
  uint64_t depth_ = 1, wanted_workers_ = 0, num_workers_ = 0;
  uint64_t charged_bytes_ = 0;
  double most_sample_bytes_ = 0;                 // of a sample that has been read
  std::deque<std::shared_ptr<Ticket>> tickets_;  // in order; written by the owner under mutex_
  std::deque<std::shared_ptr<Ticket>> unstarted_;
  std::vector<std::shared_ptr<Ticket>> running_;
  ReadingWork work_;
  double available_until_ = 0;  // up to here work_.available_seconds is counted
};

}  // namespace trainhost
