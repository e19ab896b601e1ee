// Worker threads that read batches ahead; the batches come out in the order in which they were asked for.
#pragma once
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "base/batch.h"
#include "base/clock.h"
#include "data/stage_seconds.h"
#include "data/window.h"
#include "plugin/data_source.h"

namespace trainhost {

struct ReadAheadOptions {
  std::string set_name = "train";                  // for messages
  uint64_t threads = 2;                            // at least 1
  uint64_t batches = 4;                            // read ahead; at least one a thread are
  uint64_t memory_bytes = uint64_t{2} << 30;       // for all of them, from the first byte read until the device has them
  double stall_seconds = 300;                      // a wait in which nothing moves for so long is an error
  double retry_seconds = 0.2;                      // see BatchReader
  Clock clock = monotonic_seconds;
};

/// What the threads have done so far, forgotten batches included.
struct ReadingWork {
  StageSeconds busy;             // seconds of threads
  double cpu_seconds = 0;        // of these a core was used
  double available_seconds = 0;  // threads times the time that they were there
  uint64_t samples = 0;
  uint64_t threads = 0;          // now
  uint64_t peak_bytes = 0;       // of memory for batches
};

/// All functions on one thread, cancel() [any]. `source` and `device` outlive it, and the batches' memory outlives neither.
/// Within memory_bytes fewer batches are read ahead, at least one. The bound is exact for fields that have a largest size; of others the largest sample seen so
/// far stands for all.
class ReadAhead {
 public:
  /// Throws Error(kPlugin) for a source whose fields cannot be batched.
  ReadAhead(const SampleSource& source, BatchDevice& device, ReadAheadOptions options);
  /// Cancels; joins the workers as soon as their readings have given up. A thread that does not come out of the source within stall_seconds, or a second
  /// once its stall was an error, is left behind, and the source with it (Instance::leave_behind).
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// Fewer batches than are to be read ahead were pushed and not popped.
  bool has_room() const;
  bool is_empty() const;
  void push(SampleList samples);

  struct Item {
    std::unique_ptr<DeviceBatch> batch;
    uint64_t bytes = 0;
    uint64_t ready = 0;   // batches that stood ready in order, this one included; 0 = had to wait
    StageSeconds waited;  // for this batch, by what was being done for it
  };
  /// The oldest batch; waits for it. Throws what its reading threw, each time until clear(); Error(kData) when the reading does not move or its thread has
  /// ended; Error(kAborted) after cancel(). Not when is_empty().
  Item pop();

  /// Forgets all batches and tells their readings to give up.
  void clear();
  /// Wakes pop(), ends the readings. For good.
  void cancel();

  /// More are there at once, fewer as soon as they are through with their batch.
  void set_threads(uint64_t threads);
  ReadingWork work() const;

 private:
  class Core;
  struct Worker {
    std::thread thread;
    std::shared_ptr<bool> has_ended;  // guarded by the core
  };
  void join_ended();

  std::shared_ptr<Core> core_;  // shared with its threads: one that hangs may outlive this object
  std::list<Worker> workers_;
};

}  // namespace trainhost
