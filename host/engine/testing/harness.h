// What the engine's tests share: batches out of vectors, a small model that can misbehave, an optimizer that remembers what it was given.
#pragma once
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <trainhost/testing/plugin.hpp>
#include <trainhost/torch/model.h>
#include <trainhost/torch/optimizer.h>

#include "engine/torch_engine.h"

namespace trainhost::engine_testing {

inline trainhost_precision_plan fp32_plan() {
  trainhost_precision_plan plan{};
  plan.struct_size = sizeof plan;
  plan.flags = TRAINHOST_PRECISION_DETERMINISTIC;
  plan.compute = plan.parameter = plan.master = plan.gradient = kFloat32;
  plan.growth_interval = 2000;
  plan.initial_scale = 65536, plan.growth_factor = 2, plan.backoff_factor = 0.5, plan.min_scale = 1, plan.max_scale = 16777216.0;
  return plan;
}

inline trainhost_precision_plan bf16_plan() {
  trainhost_precision_plan plan = fp32_plan();
  plan.flags = TRAINHOST_PRECISION_AUTOCAST;
  plan.compute = kBFloat16;
  return plan;
}

/// One column of a batch: its first axis is the sample.
struct Column {
  trainhost_dtype dtype;
  std::vector<int64_t> shape;
  const void* data;
};

inline HostBatch make_host_batch(BatchDevice& device, const std::vector<Column>& columns, uint64_t num_targets) {
  HostBatch batch;
  auto keep = std::make_shared<std::vector<std::shared_ptr<std::byte>>>();
  for (const Column& column : columns) {
    size_t bytes = column.dtype.bits / 8;
    for (const int64_t axis : column.shape) bytes *= static_cast<size_t>(axis);
    keep->push_back(device.allocate(bytes));
    std::memcpy(keep->back().get(), column.data, bytes);
    batch.fields.push_back({column.dtype, column.shape, keep->back().get(), bytes});
  }
  batch.num_samples = static_cast<uint64_t>(columns.front().shape.front());
  batch.num_targets = num_targets;
  batch.memory = keep;
  return batch;
}

/// Rows of four numbers and a class of three; class -1 does not count.
struct Rows {
  std::vector<float> x;
  std::vector<int64_t> y;
  size_t size() const { return y.size(); }
  Rows part(size_t begin, size_t end) const { return {{x.begin() + 4 * static_cast<long>(begin), x.begin() + 4 * static_cast<long>(end)}, {y.begin() + static_cast<long>(begin), y.begin() + static_cast<long>(end)}}; }
};

inline Rows random_rows(size_t count, uint32_t seed, double share_ignored = 0.3) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Rows rows;
  for (size_t i = 0; i < count; ++i) {
    for (int k = 0; k < 4; ++k) rows.x.push_back(normal(random));
    rows.y.push_back(random() % 1000 < 1000 * share_ignored ? -1 : static_cast<int64_t>(random() % 3));
  }
  return rows;
}

inline std::unique_ptr<DeviceBatch> upload_rows(Engine& engine, const Rows& rows) {
  const auto count = static_cast<int64_t>(rows.size());
  return engine.upload(make_host_batch(engine, {{kFloat32, {count, 4}, rows.x.data()}, {kInt64, {count}, rows.y.data()}}, rows.size()));
}

inline std::vector<FieldSpec> row_fields() { return {{"x", 0, kFloat32, {4}, {}, 0, 0}, {"y", 1, kInt64, {}, {}, 3, -1}}; }

/// A linear classifier with a running mean; throws out-of-memory above max_samples.
class TestModel final : public t2::Model {
 public:
  double dropout = 0;
  bool waits = false;  // reads a value of the device in forward
  uint64_t max_samples = ~uint64_t{0};

  void build(const t2::ModelFacts& facts) override {
    const at::TensorOptions options = at::TensorOptions(facts.default_dtype).device(facts.device);
    at::Generator generator = at::detail::createCPUGenerator(facts.seed);
    const at::Tensor weight = at::empty({3, 4}, at::kFloat).normal_(0, 1, generator);
    parameters_ = {{"weight", weight.to(options), {}, true, t2::kDecay}, {"bias", at::zeros({3}, options), {}, true, t2::kBias}};
    buffers_ = {{"running.mean", at::zeros({4}, options)}};
  }
  std::span<t2::Parameter> parameters() override { return parameters_; }
  std::span<t2::NamedTensor> buffers() override { return buffers_; }

  t2::Output forward(const t2::Batch& batch, t2::Mode mode) override {
    TORCH_CHECK_WITH(OutOfMemoryError, batch.num_samples <= max_samples, "tried to hold ", batch.num_samples, " samples");
    const bool is_training = mode == t2::Mode::kTrain;
    const at::Tensor x = batch.fields[0].tensor, y = batch.fields[1].tensor;
    if (is_training) buffers_[0].tensor.mul_(0.9).add_(x.mean(0).mul(0.1));
    const at::Tensor logits = at::linear(at::dropout(x, dropout, is_training), parameters_[0].compute, parameters_[1].compute);
    if (waits) (void)logits.sum().item<float>();
    const at::Tensor num_right = logits.detach().argmax(1).eq(y).sum();
    return {at::cross_entropy_loss(logits, y, {}, at::Reduction::Sum, -1), y.ne(-1).sum(), {{"accuracy", num_right}}};
  }

 private:
  std::vector<t2::Parameter> parameters_;
  std::vector<t2::NamedTensor> buffers_;
};

/// Plain gradient descent; keeps the last gradients as they were handed over, multiplied out, in host memory.
class TestOptimizer final : public t2::Optimizer {
 public:
  double rate = 0.1;
  std::vector<float> gradient;

  double learning_rate() const override { return rate; }
  void attach(std::span<t2::ParameterGroup> groups) override { groups_ = groups; }
  std::span<t2::NamedTensor> state() override { return {}; }
  void step(const t2::StepInputs& inputs) override {
    gradient.clear();
    const at::Tensor is_applied = inputs.found_non_finite.eq(0);
    for (const t2::ParameterGroup& group : groups_)
      for (t2::Parameter* parameter : group.parameters) {
        const at::Tensor mean = parameter->compute.grad().mul(inputs.gradient_multiplier);
        if (keeps_gradient) append(mean);
        const at::Tensor change = mean.mul(inputs.learning_rate).nan_to_num(0, 0, 0).mul_(is_applied);
        parameter->compute.detach().sub_(change);
      }
  }
  bool keeps_gradient = true;  // reading it waits for the device

 private:
  void append(const at::Tensor& values) {
    const at::Tensor flat = values.to(at::kCPU, at::kFloat).contiguous();
    gradient.insert(gradient.end(), flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
  }
  std::span<t2::ParameterGroup> groups_;
};

inline std::unique_ptr<Engine> make_engine(const std::string& device, uint64_t seed = 1, const std::string& cuda_graph = "auto") {
  EngineOptions options;
  options.device = device, options.seed = seed, options.cuda_graph = cuda_graph;
  return std::make_unique<TorchEngine>(options, make_device(device));
}

/// An engine over TestModel and TestOptimizer.
struct TestRun {
  TestModel model;
  TestOptimizer optimizer;
  std::unique_ptr<Engine> engine;
  uint64_t window = 0;

  explicit TestRun(const std::string& device, const std::string& cuda_graph = "auto") : engine(make_engine(device, 1, cuda_graph)) {}
  void prepare(double clip_norm = 0, const trainhost_precision_plan& plan = fp32_plan()) {
    EngineSetup setup;
    setup.plan = plan, setup.fields = row_fields(), setup.clip_norm = clip_norm;
    engine->prepare(setup, {static_cast<t2::Model*>(&model), nullptr, static_cast<t2::Optimizer*>(&optimizer)});
    engine->set_learning_rates(0, std::vector<double>(64, 0.1));
  }
  /// One window over the rows, cut at `cuts` (ascending positions).
  void run(const Rows& rows, std::vector<size_t> cuts = {}) {
    engine->begin_window(++window, rows.size());
    accumulate(rows, std::move(cuts));
    engine->apply();
  }
  void accumulate(const Rows& rows, std::vector<size_t> cuts = {}) {
    cuts.push_back(rows.size());
    for (size_t begin = 0; const size_t end : cuts) {
      engine->accumulate(*upload_rows(*engine, rows.part(begin, end)));
      begin = end;
    }
  }
  WindowRow last_row() { return engine->rows_until(window).back(); }
};

/// Every byte of a state, by name; what "unchanged" and "bit for bit" mean.
inline std::string bytes_of(const EngineState& state, bool with_engine_state = true) {
  std::string out;
  for (const auto* part : {&state.weights, &state.optimizer, &state.engine}) {
    if (part == &state.engine && !with_engine_state) break;
    for (const TensorView& view : *part) out += view.name + std::string(reinterpret_cast<const char*>(view.data), view.bytes);
  }
  return out;
}
inline std::string bytes_of(Engine& engine, bool with_engine_state = true) { return bytes_of(engine.snapshot(), with_engine_state); }

/// A copy of a state that outlives the engine's memory.
struct SavedState {
  std::vector<std::string> bytes;
  EngineState state;
  explicit SavedState(Engine& engine) : state(engine.snapshot()) {
    for (auto* part : {&state.weights, &state.optimizer, &state.engine})
      for (TensorView& view : *part) bytes.emplace_back(reinterpret_cast<const char*>(view.data), view.bytes);
    size_t next = 0;
    for (auto* part : {&state.weights, &state.optimizer, &state.engine})
      for (TensorView& view : *part) view.data = reinterpret_cast<const std::byte*>(bytes[next++].data());
  }
  void restore(Engine& engine) const { engine.restore(state.weights, state.optimizer, state.engine); }
};

/// A plugin file of this build, beside the folder of the test program.
inline std::string built_plugin(const std::string& file, const std::string& folder = "plugins") {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / folder / file).string();
}

/// A plugin file that is made for tests only.
inline std::string test_plugin(const std::string& file) { return built_plugin(file, "test_plugins"); }

/// An engine over the plugins gpt and adamw, through their files.
struct GptRun {
  testing::PluginUnderTest model, optimizer;
  std::unique_ptr<Engine> engine;
  uint64_t window = 0;

  GptRun(const std::string& device, const std::string& gpt_config, const std::string& adamw_config, double clip_norm,
         const trainhost_precision_plan& plan = fp32_plan(), int64_t length = 16, int64_t classes = 50, uint64_t seed = 1, const std::string& cuda_graph = "auto",
         bool recomputes = false)
      : model("gpt", built_plugin("model-gpt.so")), optimizer("adamw", built_plugin("optimizer-adamw.so")), engine(make_engine(device, seed, cuda_graph)) {
    model.create(gpt_config).start();
    optimizer.create(adamw_config).start();
    EngineSetup setup;
    setup.plan = plan, setup.clip_norm = clip_norm;
    setup.fields = {{"tokens", 0, kInt64, {length}, {}, classes, -1}, {"targets", 1, kInt64, {length}, {}, classes, -1}};
    const auto get = [](testing::PluginUnderTest& plugin, const char* id) { return plugin.c()->get_interface(plugin.c(), id); };
    TorchPlugins plugins{get(model, t2::Model::kInterface), get(model, t2::TextModel::kInterface), get(optimizer, t2::Optimizer::kInterface)};
    plugins.capture_aware = {get(model, t2::CaptureAware::kInterface)};
    if (recomputes) plugins.recomputable = get(model, t2::Recomputable::kInterface);
    engine->prepare(setup, plugins);
    engine->set_learning_rates(0, std::vector<double>(256, engine->base_learning_rate()));
  }
  /// Tokens and targets of one micro-batch, both samples x length.
  void accumulate(const std::vector<int64_t>& tokens, const std::vector<int64_t>& targets, int64_t samples) { engine->accumulate(*batch(tokens, targets, samples)); }
  std::unique_ptr<DeviceBatch> batch(const std::vector<int64_t>& tokens, const std::vector<int64_t>& targets, int64_t samples) {
    const auto length = static_cast<int64_t>(tokens.size()) / samples;
    return engine->upload(make_host_batch(*engine, {{kInt64, {samples, length}, tokens.data()}, {kInt64, {samples, length}, targets.data()}}, targets.size()));
  }
  /// A window of two random micro-batches of 4 samples that depend on the window's number only.
  void run_random_window(int64_t length = 16, int64_t classes = 50) {
    engine->begin_window(++window, static_cast<uint64_t>(8 * length));
    for (uint32_t part = 0; part < 2; ++part) {
      std::mt19937 random(static_cast<uint32_t>(window) * 2 + part);
      std::vector<int64_t> tokens, targets;
      for (int64_t i = 0; i < 4 * length; ++i) {
        tokens.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(classes)));
        targets.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(classes)));
      }
      accumulate(tokens, targets, 4);
    }
    engine->apply();
  }
};

inline double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < a.size(); ++i) difference += (double(a[i]) - b[i]) * (double(a[i]) - b[i]), size += double(b[i]) * b[i];
  return a.size() == b.size() && size > 0 ? std::sqrt(difference / size) : 1.0;
}

}  // namespace trainhost::engine_testing
