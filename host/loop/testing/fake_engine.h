// An engine without LibTorch: its one weight is a digest of the samples and rates that it was given, so equal weights mean an equal history.
#pragma once
#include <bit>
#include <cmath>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "data/testing/fake_source.h"
#include "engine/engine.h"

namespace trainhost::testing {

inline uint64_t mixed(uint64_t digest, uint64_t value) {
  digest = (digest ^ value) * 0x9e3779b97f4a7c15;
  return digest ^ (digest >> 29);
}

/// Every fourth sample has no target that counts, the others have all three.
inline uint64_t counted_targets_of(uint64_t id) { return id % 4 == 0 ? 0 : 3; }

/// Holds the loop to the promises of engine.h: what breaks them throws Error(kFailure). Sources must put the id into element 0 of field 0.
class FakeEngine final : public Engine {
 public:
  enum class Fate { kApplied, kNotFinite, kEmpty };
  std::function<Fate(uint64_t window)> fate = [](uint64_t) { return Fate::kApplied; };
  std::function<void(uint64_t window)> before_apply = [](uint64_t) {};
  std::function<double(uint64_t window)> window_seconds = [](uint64_t) { return std::numeric_limits<double>::quiet_NaN(); };
  std::function<void()> during_evaluation = [] {};
  std::function<void()> before_copy_ends = [] {};  // on the thread that waits for it
  uint64_t max_samples = ~uint64_t{0}, max_evaluation_samples = ~uint64_t{0};  // of a micro-batch that fits

  // What happened in this process.
  std::map<uint64_t, std::vector<uint64_t>> ids, pieces;  // by window that was tried: samples in order, sizes of its micro-batches
  std::map<uint64_t, WindowRow> rows;                     // by window
  uint64_t newest_row_asked = 0, num_evaluations = 0, num_abandoned = 0;
  uint64_t digest() const { return digest_; }

  trainhost_device_facts device_facts() const override { return {}; }
  DeviceReport device() const override { return {"fake", "cpu", "", "", 0}; }
  std::unique_ptr<RegisteredOps> register_op_packs(const OpPackSetup&, const trainhost_precision_plan&) override { return nullptr; }
  std::vector<ReplacedKernel> replaced_kernels(const OpPackSetup&) override { return {}; }
  void prepare(const EngineSetup&, const TorchPlugins&) override {}
  ModelReport model_report() const override { return {}; }
  double base_learning_rate() const override { return 0.5; }
  std::vector<std::string> metric_names() const override { return {"accuracy"}; }

  void begin_window(uint64_t window, uint64_t max_targets) override {
    demand(window == window_ + 1, format("window {} begins after window {}", window, window_));
    opened_ = window, max_targets_ = max_targets;
    open_ids_.clear(), open_pieces_.clear();
  }
  void expect_batch() override {}
  void accumulate(const DeviceBatch& batch) override {
    if (batch.num_samples > max_samples) throw OutOfMemory(format("made to hold at most {} samples", max_samples));
    add_ids(batch, open_ids_);
    open_pieces_.push_back(batch.num_samples);
  }
  void apply() override {
    before_apply(opened_);
    require_rates();
    window_ = opened_, opened_ = 0;
    ids[window_] = open_ids_, pieces[window_] = open_pieces_;
    const WindowRow row = make_row(fate(window_));
    rows[window_] = row;
    ring_.push_back(row);
  }
  void abandon_window() override { opened_ = 0, ++num_abandoned; }

  void set_learning_rates(uint64_t first_step, std::span<const double> rates) override {
    first_rate_ = first_step;
    rates_.assign(rates.begin(), rates.end());
  }
  std::vector<WindowRow> rows_until(uint64_t window) override {
    newest_row_asked = std::max(newest_row_asked, window);
    std::vector<WindowRow> out;
    for (; !ring_.empty() && ring_.front().window <= window; ring_.pop_front()) out.push_back(ring_.front());
    if (!out.empty()) handed_step_ = out.back().step;
    return out;
  }

  void begin_evaluation() override { evaluated_ids_.clear(); }
  void evaluate(const DeviceBatch& batch) override {
    if (batch.num_samples > max_evaluation_samples) throw OutOfMemory(format("made to evaluate at most {} samples", max_evaluation_samples));
    add_ids(batch, evaluated_ids_);
    during_evaluation();
  }
  EvaluationResult finish_evaluation() override {
    ++num_evaluations;
    uint64_t seen = digest_;
    for (const uint64_t id : evaluated_ids_) seen = mixed(seen, id);
    return {{{"loss", value_of(seen), 0.01}}, 3 * evaluated_ids_.size(), evaluated_ids_.size()};
  }
  void sample(std::vector<int64_t>, uint64_t, double, uint64_t, uint64_t, const std::function<bool(int64_t)>&) override {}

  std::vector<TensorView> weight_layout() const override { return {}; }
  void initialise(std::span<const InitialTensor>) override {}
  EngineState snapshot() override {
    demand(ring_.empty(), "a snapshot with rows that were not handed out");
    return state_now();
  }
  EngineState state_now() {
    demand(opened_ == 0, "a snapshot inside of a window");
    saved_weight_ = value_of(digest_);
    saved_ = {digest_, window_, step_};
    return views_of(saved_weight_, saved_);
  }
  std::unique_ptr<StateCopy> copy_state() override {
    demand(!is_copy_alive_.lock(), "a second copy of the state");
    state_now();
    auto copy = std::make_unique<Copy>(saved_weight_, saved_, before_copy_ends);
    is_copy_alive_ = copy->is_alive;
    return copy;
  }
  void prepare_copies() override {}
  void adopt_for_copies(std::shared_ptr<std::byte>, size_t) override {}
  void restore(std::span<const TensorView>, std::span<const TensorView>, std::span<const TensorView> engine) override {
    std::memcpy(saved_.data(), engine[0].data, 24);
    digest_ = saved_[0], window_ = saved_[1], step_ = handed_step_ = saved_[2];
  }
  void restore_weights(std::span<const TensorView>) override {}

  uint64_t applied_steps() override { return step_; }
  uint64_t peak_memory_bytes() override { return 0; }
  uint64_t num_host_waits() const override { return 0; }
  std::shared_ptr<std::byte> allocate(size_t bytes) override { return memory_.allocate(bytes); }
  std::unique_ptr<DeviceBatch> upload(HostBatch batch) override { return memory_.upload(std::move(batch)); }

 private:
  using Saved = std::array<uint64_t, 3>;
  static EngineState views_of(const float& weight, const Saved& saved) {
    const auto bytes = [](const void* data) { return static_cast<const std::byte*>(data); };
    return {{{"weight", "F32", {}, bytes(&weight), 4}}, {}, {{"engine.state", "I64", {3}, bytes(saved.data()), 24}}};
  }
  class Copy final : public StateCopy {
   public:
    Copy(float weight, Saved saved, std::function<void()> before_end) : weight_(weight), saved_(saved), before_end_(std::move(before_end)) {}
    void wait() override { before_end_(); }
    const EngineState& state() const override { return state_; }
    double seconds() const override { return 0.5; }
    std::shared_ptr<int> is_alive = std::make_shared<int>(0);

   private:
    float weight_;
    Saved saved_;
    std::function<void()> before_end_;
    EngineState state_ = views_of(weight_, saved_);
  };

  static void demand(bool is_kept, const std::string& complaint) {
    if (!is_kept) throw Error(ExitCode::kFailure, "fake engine: " + complaint);
  }
  static float value_of(uint64_t digest) { return 1 + static_cast<float>(digest % 1000) / 1000; }
  static void add_ids(const DeviceBatch& batch, std::vector<uint64_t>& ids) {
    const auto values = as_fake(batch).field<int64_t>(0);
    for (size_t sample = 0; sample < batch.num_samples; ++sample) ids.push_back(static_cast<uint64_t>(values[sample * (values.size() / batch.num_samples)]));
  }
  // Each step that the device may be at must have its rate, whatever became of the windows whose rows the host has not seen.
  void require_rates() {
    const uint64_t last = handed_step_ + ring_.size();
    demand(first_rate_ <= handed_step_ && last < first_rate_ + rates_.size(),
           format("steps {} to {} need a rate, {} to {} have one", handed_step_, last, first_rate_, first_rate_ + rates_.size()));
  }
  WindowRow make_row(Fate what) {
    WindowRow row;
    row.window = window_;
    row.learning_rate = rates_[step_ - first_rate_];
    for (const uint64_t id : open_ids_) row.count += what == Fate::kEmpty ? 0.0 : static_cast<double>(counted_targets_of(id));
    demand(row.count <= static_cast<double>(max_targets_), "more targets than the bound says");
    row.is_applied = what == Fate::kApplied && row.count > 0;
    if (row.is_applied) {
      for (const uint64_t id : open_ids_) digest_ = mixed(digest_, id);
      digest_ = mixed(digest_, std::bit_cast<uint64_t>(row.learning_rate));
      ++step_;
    }
    row.step = step_;
    row.loss_sum = what == Fate::kNotFinite ? std::numeric_limits<double>::quiet_NaN() : row.count * static_cast<double>(value_of(digest_));
    row.gradient_norm = what == Fate::kNotFinite ? std::numeric_limits<double>::infinity() : 1;
    row.metrics = {row.count / 2};
    row.seconds = window_seconds(window_);
    return row;
  }

  FakeDevice memory_;
  uint64_t digest_ = 1, window_ = 0, step_ = 0, opened_ = 0, max_targets_ = 0;
  uint64_t handed_step_ = 0;  // of the newest row that left the ring
  std::vector<uint64_t> open_ids_, open_pieces_, evaluated_ids_;
  std::deque<WindowRow> ring_;
  uint64_t first_rate_ = 0;
  std::vector<double> rates_;
  float saved_weight_ = 0;
  Saved saved_{};
  std::weak_ptr<int> is_copy_alive_;
};

}  // namespace trainhost::testing
