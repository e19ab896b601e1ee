// Copies of the whole state that go on while training does.
#pragma once
#include <future>
#include <memory>
#include <span>
#include <vector>

#include <trainhost/torch/types.h>

#include "engine/device.h"
#include "engine/engine.h"

namespace trainhost {

/// Makes copies into one arena, which lives as long as the copy that is in it.
class StateCopier {
 public:
  explicit StateCopier(Device& device) : device_(device) {}

  /// Begins to make an arena of this size, on a thread, unless there is a larger one.
  void prepare(size_t bytes);
  /// Begins to make this memory the arena, on a thread.
  void adopt(std::shared_ptr<std::byte> memory, size_t bytes);
  /// Until the arena is there. What went wrong with it the first copy says.
  void wait_for_arena() const;

  /// `fixed`: changed by the next update only. `changing`: by the next forward pass already, so that they are cloned first.
  struct Part {
    std::vector<TensorView> EngineState::*views;
    std::vector<t2::NamedTensor> tensors;
    bool is_changing = false;
  };
  /// Throws Error(kFailure) while the copy before is alive.
  std::unique_ptr<StateCopy> start(std::span<const Part> parts);

  /// Before the update: it must not overtake a copy of what it changes.
  void order_update_after_copy();

  static size_t bytes_of(std::span<const Part> parts);

 private:
  Device& device_;
  std::shared_future<std::shared_ptr<std::byte>> arena_;
  size_t arena_bytes_ = 0;
  std::weak_ptr<std::byte> used_;      // by the copy that is alive
  std::weak_ptr<Transfer> in_flight_;  // that the next update has not been ordered after
};

}  // namespace trainhost
