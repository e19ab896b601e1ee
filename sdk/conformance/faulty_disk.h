// A disk that is slow or fails, for whatever way a plugin writes to it.
#pragma once

#include <atomic>
#include <functional>

namespace trainhost::conformance {

// The kernel hands every write and flush of one thread, and of the threads that it starts, to this object, which lets them through late or not at all
// (seccomp, which needs no rights). Memory that is mapped from files is not seen.
class FaultyDisk {
 public:
  static constexpr int kSlowWriteMs = 10;
  // A caller that tries again so often does not mean to stop.
  static constexpr int kMostTries = 1000;

  // Runs `work` on a thread of that kind; the disk is sound at first. Throws what work throws, and Skipped where the kernel does not do it.
  void run(const std::function<void()>& work);

  // From within work. Each change counts tries anew.
  void be_sound() { become(0, false); }
  void be_slow() { become(0, true); }
  void fail_with(int error) { become(error, false); }

  // Whether more than kMostTries writes have failed since the last change; those after them went through, so that the caller comes back.
  bool is_tried_for_ever() const { return num_failed_ > kMostTries; }
  // Of writes and flushes that were seen at all.
  int num_writes() const { return num_writes_; }

 private:
  void become(int error, bool is_slow);
  void serve(int listener);
  int answer_to_write();

  std::atomic<int> error_{0}, num_failed_{0}, num_writes_{0}, num_delayed_{0};
  std::atomic<bool> is_slow_{false}, is_done_{false};
};

}  // namespace trainhost::conformance
