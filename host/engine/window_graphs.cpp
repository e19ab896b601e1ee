// The recordings of windows, by shape.
#include "engine/window_graphs.h"

#include <ATen/ops/empty_like.h>

#include "base/log.h"

namespace trainhost {
namespace {

constexpr uint64_t kWarmUp = 2;      // windows until libraries have made their handles and chosen their kernels
constexpr size_t kMostShapes = 8;    // each has gradients of its own

void copy_into(t2::Batch& target, const t2::Batch& source) {
  for (size_t i = 0; i < source.fields.size(); ++i) target.fields[i].tensor.copy_(source.fields[i].tensor, /*non_blocking=*/true);
}

t2::Batch batch_like(const t2::Batch& source) {
  t2::Batch out{{}, source.num_samples};
  for (const t2::NamedTensor& field : source.fields) out.fields.push_back({field.name, at::empty_like(field.tensor)});
  return out;
}

class Told {
 public:
  explicit Told(const std::vector<t2::CaptureAware*>& listeners) : listeners_(listeners) {
    try {
      for (; num_told_ < listeners_.size(); ++num_told_) listeners_[num_told_]->capture_begin();
    } catch (...) {
      end();
      throw;
    }
  }
  ~Told() { end(); }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;

 private:
  void end() noexcept {
    while (num_told_ > 0) listeners_[--num_told_]->capture_end();
  }

  const std::vector<t2::CaptureAware*>& listeners_;
  size_t num_told_ = 0;
};

}  // namespace

WindowGraphs::WindowGraphs(Device& device, Mode mode) : device_(device), mode_(device.can_record() ? mode : Mode::kOff) {
  if (mode == Mode::kOn && mode_ == Mode::kOff)
    throw Error(ExitCode::kConfig, "execution.cuda_graph = \"on\": this device has no CUDA graphs; set it to \"auto\", or choose a CUDA device");
}

void WindowGraphs::begin_window(int exponent) {
  exponent_ = exponent;
  is_first_ = true;
  open_ = nullptr;
  if (mode_ == Mode::kOff) windows_.clear();
}

WindowGraphs::Shape WindowGraphs::shape_of(const t2::Batch& batch) const {
  Shape shape{exponent_, batch.num_samples, {}};
  for (const t2::NamedTensor& field : batch.fields) shape.fields.emplace_back(field.tensor.sizes().vec(), field.tensor.scalar_type());
  return shape;
}

bool WindowGraphs::pass(const t2::Batch& batch, const PassTargets& targets, const std::function<void(const t2::Batch&)>& run) {
  const bool is_first = std::exchange(is_first_, false);
  if (mode_ == Mode::kOff || (!is_first && !open_)) return false;
  const Shape shape = shape_of(batch);
  if (is_first && windows_.size() >= kMostShapes && !windows_.contains(shape)) return false;
  Window& window = is_first ? windows_[shape] : *open_;
  Pass& pass = is_first ? window.first : window.more[shape];
  // A pass behind the first one of its shape has warmed up with it.
  if (!pass.recording && (is_first || windows_.find(shape) == windows_.end()) && pass.num_seen++ < kWarmUp) return false;
  const bool is_new = !pass.recording;
  if (is_new && !record_pass(pass, batch, run)) {
    if (is_first) {
      for (t2::Parameter& parameter : targets.parameters) parameter.compute.mutable_grad().reset();
      targets.sums.reset();
    }
    return false;
  }
  if (is_first && is_new) {
    window.sums = targets.sums;
    for (const t2::Parameter& parameter : targets.parameters) window.gradients.push_back(parameter.compute.grad());
  }
  copy_into(pass.inputs, batch);
  pass.recording->replay();
  if (is_first) {
    open_ = &window;
    targets.sums = window.sums;
    for (size_t i = 0; i < targets.parameters.size(); ++i) targets.parameters[i].compute.mutable_grad() = window.gradients[i];
  }
  return true;
}

bool WindowGraphs::record_pass(Pass& pass, const t2::Batch& batch, const std::function<void(const t2::Batch&)>& run) {
  device_.release_cached_memory();  // what passes without recordings have left is of no use to a recording, which takes its memory anew
  pass.inputs = batch_like(batch);
  pass.recording = record([&] { run(pass.inputs); });
  return pass.recording != nullptr;
}

std::optional<at::Tensor> WindowGraphs::update(const std::function<at::Tensor()>& run) {
  if (!open_) return std::nullopt;
  Window& window = *open_;
  if (!window.update) {
    window.update = record([&] { window.row = run(); });
    if (!window.update) return std::nullopt;
  }
  window.update->replay();
  return window.row;
}

std::unique_ptr<Recording> WindowGraphs::record(const std::function<void()>& work) {
  try {
    const Told told(listeners_);
    return device_.record(work);
  } catch (const std::exception& problem) {
    const std::string reason = problem.what();
    if (mode_ == Mode::kOn) throw Error(ExitCode::kConfig, format("execution.cuda_graph = \"on\": {}; set it to \"auto\" to train without", reason));
    log_info("CUDA graphs: not used: {}", reason);
    mode_ = Mode::kOff;
    return nullptr;
  }
}

void WindowGraphs::clear() {
  open_ = nullptr;
  windows_.clear();
}

}  // namespace trainhost
