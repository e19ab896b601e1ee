// The engine on LibTorch: joins device, model, optimizer and the window's numerics.
#pragma once
#include <array>
#include <memory>
#include <optional>

#include <trainhost/torch/model.h>
#include <trainhost/torch/optimizer.h>
#include <trainhost/torch/text_model.h>
#include <trainhost/torch/value_limits.h>

#include "engine/data_waits.h"
#include "engine/device.h"
#include "engine/engine.h"
#include "engine/evaluation.h"
#include "engine/parameter_groups.h"
#include "engine/precision.h"
#include "engine/random_state.h"
#include "engine/rate_table.h"
#include "engine/row_ring.h"
#include "engine/state.h"
#include "engine/state_copy.h"
#include "engine/update.h"
#include "engine/window_graphs.h"

namespace trainhost {

class TorchEngine final : public Engine {
 public:
  TorchEngine(const EngineOptions& options, std::unique_ptr<Device> device);

  trainhost_device_facts device_facts() const override;
  DeviceReport device() const override { return report_; }
  std::unique_ptr<RegisteredOps> register_op_packs(const OpPackSetup& setup, const trainhost_precision_plan& plan) override;
  std::vector<ReplacedKernel> replaced_kernels(const OpPackSetup& setup) override;
  void prepare(const EngineSetup& setup, const TorchPlugins& plugins) override;
  ModelReport model_report() const override;
  std::vector<std::string> metric_names() const override { return training_metrics_.value_or(std::vector<std::string>()); }
  double base_learning_rate() const override;

  void begin_window(uint64_t window, uint64_t max_targets) override;
  void expect_batch() override { data_waits_.expect(); }
  void accumulate(const DeviceBatch& batch) override;
  void apply() override;
  void abandon_window() override;
  void set_learning_rates(uint64_t first_step, std::span<const double> rates) override;
  std::vector<WindowRow> rows_until(uint64_t window) override;

  void begin_evaluation() override;
  void evaluate(const DeviceBatch& batch) override;
  EvaluationResult finish_evaluation() override;
  void sample(std::vector<int64_t> prompt, uint64_t count, double temperature, uint64_t top_k, uint64_t seed,
              const std::function<bool(int64_t)>& on_token) override;

  std::vector<TensorView> weight_layout() const override;
  void initialise(std::span<const InitialTensor> values) override;
  EngineState snapshot() override;
  std::unique_ptr<StateCopy> copy_state() override;
  void prepare_copies() override;
  void adopt_for_copies(std::shared_ptr<std::byte> memory, size_t bytes) override { copier_.adopt(std::move(memory), bytes); }
  void restore(std::span<const TensorView> weights, std::span<const TensorView> optimizer, std::span<const TensorView> engine) override;
  void restore_weights(std::span<const TensorView> weights) override;

  uint64_t applied_steps() override;
  uint64_t peak_memory_bytes() override { return device_->peak_memory_bytes(); }
  uint64_t num_host_waits() const override { return num_waits_ + (rows_ ? rows_->num_waits() : 0); }

  std::shared_ptr<std::byte> allocate(size_t bytes) override;
  std::unique_ptr<DeviceBatch> upload(HostBatch batch) override;
  size_t allocated_bytes(size_t bytes) const override { return device_->allocated_bytes(bytes); }
  void release_copied() override { device_->release_copied(); }

 private:
  struct Window {  // what must be put back when the window is abandoned, or skipped
    uint64_t number = 0;
    int exponent = 0;
    std::vector<std::pair<std::string, at::Tensor>> random_states;
    at::Tensor sums;
  };

  void build_model(const TorchPlugins& plugins);
  void build_optimizer(const TorchPlugins& plugins);
  void keep_buffers();
  void run_pass(const t2::Batch& batch);
  at::Tensor run_update();
  t2::Batch model_batch(const DeviceBatch& batch);
  at::Tensor checked_sums(const t2::Output& output, std::optional<std::vector<std::string>>& known);
  std::vector<at::Tensor> gradients() const;
  void drop_gradients();
  void put_buffers_back(const at::Tensor& keep);  // where `keep` is 0
  void require_model(const char* what) const;
  std::vector<t2::NamedTensor> weights() const;
  std::array<StateCopier::Part, 4> state_parts();
  std::vector<t2::NamedTensor> optimizer_state() const;
  std::vector<t2::NamedTensor> engine_state();
  void wait_for_device();

  EngineOptions options_;
  std::unique_ptr<Device> device_;
  DeviceReport report_;
  EngineSetup setup_;
  Precision precision_;
  RandomState random_;
  t2::Model* model_ = nullptr;
  t2::TextModel* text_model_ = nullptr;
  t2::Optimizer* optimizer_ = nullptr;
  const t2::ValueLimits* value_limits_ = nullptr;
  ParameterGroups groups_;
  std::optional<std::vector<std::string>> training_metrics_, evaluation_metrics_;  // known after the first forward of each mode

  std::optional<Update> update_;
  std::optional<RateTable> rates_;
  std::optional<RowRing> rows_;
  std::optional<Window> window_;
  std::vector<at::Tensor> kept_buffers_;  // as the window found them
  DataWaits data_waits_;
  WindowGraphs graphs_;
  uint64_t known_step_ = 0, windows_in_flight_ = 0;  // the device's step lies in [known_step_, known_step_ + windows_in_flight_]

  std::optional<Evaluation> evaluation_;
  HostCopies copies_;
  StateCopier copier_;
  uint64_t num_waits_ = 0;
};

}  // namespace trainhost
