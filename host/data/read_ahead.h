// Worker threads that read batches ahead; the batches come out in the order in which they were asked for.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/batch.h"
#include "data/batch_reader.h"
#include "data/cancellation.h"
#include "data/window.h"

namespace trainhost {

/// push, pop, clear: one thread. cancel: [any]. `reader` and `device` outlive it.
class ReadAhead {
 public:
  ReadAhead(const BatchReader& reader, BatchDevice& device, uint64_t threads, uint64_t depth);
  /// Cancels; joins the workers as soon as their readings have given up.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// Fewer than `depth` batches were pushed and not popped.
  bool has_room() const { return tickets_.size() < depth_; }
  bool is_empty() const { return tickets_.empty(); }
  void push(SampleList samples);

  struct Item {
    std::unique_ptr<DeviceBatch> batch;
    uint64_t bytes = 0;
    uint64_t ready = 0;  // batches that stood ready in order, this one included; 0 = had to wait
  };
  /// The oldest batch; waits for it. Throws what its reading threw, each time until clear(); Error(kAborted) after cancel(). Not when is_empty().
  Item pop();

  /// Forgets all batches and tells their readings to give up.
  void clear();
  /// Wakes pop(), ends the readings. For good.
  void cancel();

 private:
  struct Ticket {
    SampleList samples;
    Cancellation cancellation;
    bool is_done = false;  // under mutex_, as all below
    std::unique_ptr<DeviceBatch> batch;
    uint64_t bytes = 0;
    std::exception_ptr failure;
  };

  void work();
  std::shared_ptr<Ticket> take();
  void carry_out(Ticket& ticket);

  const BatchReader& reader_;
  BatchDevice& device_;
  const uint64_t depth_;
  std::mutex mutex_;
  std::condition_variable has_work_, is_done_;
  bool is_cancelled_ = false;
  std::deque<std::shared_ptr<Ticket>> tickets_;  // in order; written by the one thread under mutex_
  std::deque<std::shared_ptr<Ticket>> unstarted_;
  std::vector<std::shared_ptr<Ticket>> running_;
  std::vector<std::jthread> workers_;
};

}  // namespace trainhost
