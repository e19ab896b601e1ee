// Passes and updates as recordings (CUDA graphs): made when a shape comes for the third time, replayed from then on with one launch each.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <trainhost/torch/capture_aware.h>
#include <trainhost/torch/types.h>

#include "engine/device.h"

namespace trainhost {

/// What a pass reads and writes beside its batch.
struct PassTargets {
  std::span<t2::Parameter> parameters;  // their gradients
  at::Tensor& sums;                     // undefined before the first pass of a window
};

/// A recording keeps reading and writing the same memory. So a window's first pass has gradients and sums of its own, and what follows it in the window adds
/// to these; batches are copied into the tensors that were recorded. The numbers are those of the same calls without recordings, bit for bit.
/// What cannot be recorded is told once, and everything then goes on without recordings.
class WindowGraphs {
 public:
  enum class Mode { kOff, kAuto, kOn };  // kOn: what cannot be recorded is an error

  WindowGraphs(Device& device, Mode mode);

  /// Who is told of each recording before and after it.
  void tell(std::vector<t2::CaptureAware*> listeners) { listeners_ = std::move(listeners); }

  void begin_window(int exponent);
  /// True: the pass over the batch was done by a recording. `run` does one by itself, into the same targets; it is recorded, not only called.
  bool pass(const t2::Batch& batch, const PassTargets& targets, const std::function<void(const t2::Batch&)>& run);
  /// The window's row, or nothing where the window did not begin with a recording.
  std::optional<at::Tensor> update(const std::function<at::Tensor()>& run);
  /// Gives all recordings and their memory back; shapes that come again are recorded again.
  void clear();

 private:
  struct Shape {
    int exponent;
    uint64_t num_samples;
    std::vector<std::pair<std::vector<int64_t>, at::ScalarType>> fields;
    bool operator<(const Shape& other) const { return std::tie(exponent, num_samples, fields) < std::tie(other.exponent, other.num_samples, other.fields); }
  };
  struct Pass {
    uint64_t num_seen = 0;
    t2::Batch inputs;
    std::unique_ptr<Recording> recording;
  };
  struct Window {  // by the shape of its first batch
    Pass first;
    std::map<Shape, Pass> more;
    std::vector<at::Tensor> gradients;
    at::Tensor sums, row;
    std::unique_ptr<Recording> update;
  };

  Shape shape_of(const t2::Batch& batch) const;
  bool record_pass(Pass& pass, const t2::Batch& batch, const std::function<void(const t2::Batch&)>& run);
  std::unique_ptr<Recording> record(const std::function<void()>& work);  // null: recordings are off now

  Device& device_;
  Mode mode_;
  std::vector<t2::CaptureAware*> listeners_;
  int exponent_ = 0;
  bool is_first_ = true;
  std::map<Shape, Window> windows_;
  Window* open_ = nullptr;  // that the window began with
};

}  // namespace trainhost
