// The thread that talks to the checkpoint store while the loop trains: saves, and marks that a checkpoint is good, one after another.
#pragma once
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "checkpoint/store.h"
#include "engine/engine.h"

namespace trainhost {

/// A save that has ended without an error; see SaveReport::problem for one that wrote nothing.
struct FinishedSave {
  SaveReport report;
  double copy_seconds = 0;  // from the device to the arena; 0: there was no copy
};

class SaveThread {
 public:
  explicit SaveThread(CheckpointStore& store);
  /// Finishes what was asked for.
  ~SaveThread();

  struct Job {
    Snapshot snapshot;                // views the copy's state, or memory that stays as it is until drain()
    std::shared_ptr<StateCopy> copy;  // null: the bytes are there already
  };
  void save(Job job);
  void mark_good(std::string id);

  bool is_saving() const;
  /// Waits until everything that was asked for is done.
  void drain();

  struct News {
    std::vector<FinishedSave> saves;
    std::vector<std::string> good;  // ids that were marked; one that is gone meanwhile is left out
  };
  /// What ended since the last call. Does not wait. Throws what a save or a mark failed with, each failure once.
  News take_news();

 private:
  void work();
  void run(const std::function<void()>& task) noexcept;
  void add(std::function<void()> task);

  CheckpointStore& store_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  // the front one is under way
  size_t num_saves_ = 0;                     // in tasks_
  bool is_closed_ = false;
  News news_;
  std::exception_ptr failure_;  // the first since take_news()
  std::thread thread_;          // last: it uses what stands above
};

}  // namespace trainhost
