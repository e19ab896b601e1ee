// Preparing an engine, and the life of a window: begin, accumulate, apply or abandon.
#include "engine/torch_engine.h"

#include <bit>
#include <set>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/where.h>

#include "engine/failures.h"
#include "engine/frozen.h"
#include "engine/op_packs.h"
#include "engine/torch_types.h"

namespace trainhost {
namespace {

Field to_field(const FieldSpec& spec) {
  return {spec.name, spec.role, spec.dtype, spec.shape, spec.max_shape, spec.num_classes, spec.pad_value};
}

void check_parameters(std::span<t2::Parameter> parameters, std::span<t2::NamedTensor> buffers) {
  std::set<std::string> names;
  const auto check = [&](const std::string& name, const at::Tensor& tensor) {
    if (!tensor.defined()) throw Error(ExitCode::kPlugin, format("model: \"{}\" is an undefined tensor; build must make it", name));
    if (!names.insert(name).second) throw Error(ExitCode::kPlugin, format("model: two parameters or buffers are named \"{}\"; names must be unique", name));
  };
  for (const t2::Parameter& parameter : parameters) {
    check(parameter.name, parameter.compute);
    if (parameter.master.defined()) throw Error(ExitCode::kPlugin, format("model: \"{}\" has a master of its own; masters are the engine's, leave it undefined", parameter.name));
  }
  for (const t2::NamedTensor& buffer : buffers) check(buffer.name, buffer.tensor);
}

WindowGraphs::Mode graph_mode(const std::string& word) {
  return word == "off" ? WindowGraphs::Mode::kOff : word == "on" ? WindowGraphs::Mode::kOn : WindowGraphs::Mode::kAuto;
}

}  // namespace

TorchEngine::TorchEngine(const EngineOptions& options, std::unique_ptr<Device> device)
    : options_(options), device_(std::move(device)), report_(device_->report()), random_(device_->place()), data_waits_(*device_), graphs_(*device_, graph_mode(options.cuda_graph)), copies_(*device_), copier_(*device_) {
  if (options_.num_threads > 0) at::set_num_threads(options_.num_threads);
}

trainhost_device_facts TorchEngine::device_facts() const {
  trainhost_device_facts facts{};
  facts.struct_size = sizeof facts;
  facts.device_type = device_->place().is_cpu() ? TRAINHOST_DEVICE_CPU : TRAINHOST_DEVICE_CUDA;
  facts.capability = device_->capability();
  facts.memory_bytes = report_.memory_bytes;
  facts.name = {report_.name.data(), report_.name.size()};
  return facts;
}

std::unique_ptr<RegisteredOps> TorchEngine::register_op_packs(const OpPackSetup& setup, const trainhost_precision_plan& plan) {
  return trainhost::register_op_packs(setup, plan, *device_);
}

std::vector<ReplacedKernel> TorchEngine::replaced_kernels(const OpPackSetup& setup) { return trainhost::replaced_kernels(setup, *device_); }

void TorchEngine::prepare(const EngineSetup& setup, const TorchPlugins& plugins) {
  setup_ = setup;
  precision_ = check_plan(setup.plan);
  apply_switches(setup.plan);
  random_.seed(options_.seed);
  build_model(plugins);
  if (plugins.optimizer) build_optimizer(plugins);
  std::vector<t2::CaptureAware*> listeners;
  for (const void* one : plugins.capture_aware) listeners.push_back(static_cast<t2::CaptureAware*>(const_cast<void*>(one)));
  graphs_.tell(std::move(listeners));
}

void TorchEngine::build_model(const TorchPlugins& plugins) {
  model_ = static_cast<t2::Model*>(const_cast<void*>(plugins.model));
  text_model_ = static_cast<t2::TextModel*>(const_cast<void*>(plugins.text_model));
  value_limits_ = static_cast<const t2::ValueLimits*>(plugins.value_limits);
  auto* recomputable = static_cast<t2::Recomputable*>(const_cast<void*>(plugins.recomputable));
  std::vector<Field> fields;
  for (const FieldSpec& spec : setup_.fields) fields.push_back(to_field(spec));
  translated(*device_, "model, build", [&] {
    const MeteredCall call(setup_.meter, setup_.model_account, "build");
    if (recomputable) recomputable->recompute_blocks();
    model_->build({fields, device_->place(), scalar_type_of(setup_.plan.parameter), options_.seed, setup_.values_follow});
  });
  check_parameters(model_->parameters(), model_->buffers());
  freeze_parameters(model_->parameters(), setup_.freeze);
  for (t2::Parameter& parameter : model_->parameters()) parameter.compute.requires_grad_(parameter.is_trainable);
}

void TorchEngine::build_optimizer(const TorchPlugins& plugins) {
  optimizer_ = static_cast<t2::Optimizer*>(const_cast<void*>(plugins.optimizer));
  groups_ = form_groups(model_->parameters(), setup_.groups, optimizer_->weight_decay());
  translated(*device_, "optimizer, attach", [&] {
    const MeteredCall call(setup_.meter, setup_.optimizer_account, "attach");
    optimizer_->attach(groups_.groups);
  });
  update_.emplace(setup_.plan, setup_.clip_norm, device_->place());
  rates_.emplace(device_->place(), [this](at::IntArrayRef sizes, at::ScalarType type) { return device_->host_tensor(sizes, type); });
  rows_.emplace(*device_, setup_.metric_ring);
}

double TorchEngine::base_learning_rate() const {
  if (!optimizer_) throw Error(ExitCode::kFailure, "engine: there is no optimizer, so no base learning rate");
  return optimizer_->learning_rate();
}

ModelReport TorchEngine::model_report() const {
  ModelReport report;
  if (!model_) return report;
  for (const t2::Parameter& parameter : model_->parameters()) {
    const auto count = static_cast<uint64_t>(parameter.compute.numel());
    report.num_parameters += count;
    report.num_trainable += parameter.is_trainable ? count : 0;
    report.parameter_bytes += parameter.compute.nbytes();
  }
  if (optimizer_)
    for (const t2::NamedTensor& slot : optimizer_->state()) report.optimizer_bytes += slot.tensor.nbytes();
  report.groups = describe(groups_);
  if (value_limits_)
    for (const t2::ValueLimit& limit : value_limits_->value_limits()) report.value_limits.push_back({limit.field, limit.num_classes, limit.takes_pad_value, limit.ignored_value});
  return report;
}

std::shared_ptr<std::byte> TorchEngine::allocate(size_t bytes) {
  return translated(*device_, "batch, memory for the host's side", [&] { return device_->allocate(bytes); });
}

std::unique_ptr<DeviceBatch> TorchEngine::upload(HostBatch batch) {
  return translated(*device_, "batch, copy to the device", [&] { return device_->upload(std::move(batch)); });
}

void TorchEngine::begin_window(uint64_t window, uint64_t max_targets) {
  if (!optimizer_) throw Error(ExitCode::kFailure, "engine: a window was begun without an optimizer");
  if (window_) throw Error(ExitCode::kFailure, format("engine: window {} was begun while window {} is open", window, window_->number));
  copies_.clear();
  const int exponent = max_targets > 1 ? std::bit_width(max_targets - 1) : 0;
  window_ = Window{window, exponent, random_.get(), {}};
  keep_buffers();
  graphs_.begin_window(exponent);
}

// Always into the same memory, which a recorded update reads.
void TorchEngine::keep_buffers() {
  const std::span<t2::NamedTensor> buffers = model_->buffers();
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (i == kept_buffers_.size()) kept_buffers_.push_back(at::empty_like(buffers[i].tensor));
    kept_buffers_[i].copy_(buffers[i].tensor);
  }
}

t2::Batch TorchEngine::model_batch(const DeviceBatch& batch) {
  const auto& tensors = static_cast<const TorchBatch&>(batch);
  if (tensors.fields.size() != setup_.fields.size())
    throw Error(ExitCode::kFailure, format("engine: a batch has {} fields, the model was built for {}", tensors.fields.size(), setup_.fields.size()));
  data_waits_.arrive([&] { device_->order_after_upload(tensors); });
  t2::Batch out{{}, batch.num_samples};
  for (size_t i = 0; i < tensors.fields.size(); ++i) out.fields.push_back({setup_.fields[i].name, tensors.fields[i]});
  return out;
}

at::Tensor TorchEngine::checked_sums(const t2::Output& output, std::optional<std::vector<std::string>>& known) {
  std::vector<std::string> names;
  for (const t2::NamedTensor& metric : output.metric_sums) names.push_back(metric.name);
  if (!known) known = names;
  if (names != *known) throw Error(ExitCode::kPlugin, "model: forward returned other metrics than the first time; names and order must stay");
  return sums_of(output);
}

void TorchEngine::accumulate(const DeviceBatch& batch) {
  if (!window_) throw Error(ExitCode::kFailure, "engine: accumulate without begin_window");
  translated(*device_, "model, forward and backward", [&] {
    const t2::Batch inputs = model_batch(batch);
    const auto run = [this](const t2::Batch& one) { run_pass(one); };
    if (!graphs_.pass(inputs, {model_->parameters(), window_->sums}, run)) run(inputs);
  });
}

void TorchEngine::run_pass(const t2::Batch& batch) {
  t2::Output output;
  {
    const AutocastRegion region(precision_, device_->place());
    const MeteredCall call(setup_.meter, setup_.model_account, "forward");
    output = model_->forward(batch, t2::Mode::kTrain);
  }
  const at::Tensor sums = checked_sums(output, training_metrics_);
  output.loss_sum.backward(update_->backward_seed(window_->exponent).to(output.loss_sum.scalar_type()));
  window_->sums = window_->sums.defined() ? window_->sums.add_(sums) : sums;
}

std::vector<at::Tensor> TorchEngine::gradients() const {
  std::vector<at::Tensor> out;
  for (const t2::Parameter& parameter : model_->parameters())
    if (parameter.is_trainable && parameter.compute.grad().defined()) out.push_back(parameter.compute.grad());
  return out;
}

void TorchEngine::drop_gradients() {
  for (t2::Parameter& parameter : model_->parameters()) parameter.compute.mutable_grad().reset();
}

void TorchEngine::apply() {
  if (!window_ || !window_->sums.defined()) throw Error(ExitCode::kFailure, "engine: apply without a micro-batch");
  const at::NoGradGuard no_gradients;
  translated(*device_, "optimizer, step", [&] {
    copier_.order_update_after_copy();
    rates_->check_covers(known_step_, known_step_ + windows_in_flight_);
    const auto run = [this] { return run_update(); };
    const std::optional<at::Tensor> row = graphs_.update(run);
    rows_->push(window_->number, row ? *row : run());
  });
  data_waits_.end_window(window_->number);
  ++windows_in_flight_;
  drop_gradients();
  forget_casts();
  window_.reset();
}

at::Tensor TorchEngine::run_update() {
  const std::vector<at::Tensor> all = gradients();
  const Update::Outcome outcome = update_->run({window_->sums, all, window_->exponent, rates_->ring()}, [this](const t2::StepInputs& inputs) {
    const MeteredCall call(setup_.meter, setup_.optimizer_account, "step");
    optimizer_->step(inputs);
  });
  put_buffers_back(outcome.is_applied);
  return outcome.row;
}

// A skipped window leaves no trace in running means either.
void TorchEngine::put_buffers_back(const at::Tensor& keep) {
  for (size_t i = 0; i < kept_buffers_.size(); ++i) {
    at::Tensor& buffer = model_->buffers()[i].tensor;
    buffer.copy_(at::where(keep, buffer, kept_buffers_[i]));
  }
}

void TorchEngine::abandon_window() {
  if (!window_) return;
  const at::NoGradGuard no_gradients;
  drop_gradients();
  forget_casts();
  for (size_t i = 0; i < kept_buffers_.size(); ++i) model_->buffers()[i].tensor.copy_(kept_buffers_[i]);
  random_.set(window_->random_states);
  data_waits_.drop_window();
  window_.reset();
  graphs_.clear();  // their memory may be what was short
}

void TorchEngine::set_learning_rates(uint64_t first_step, std::span<const double> rates) {
  if (!rates_) throw Error(ExitCode::kFailure, "engine: learning rates without an optimizer");
  if (rates_->set(first_step, rates)) graphs_.clear();  // which read the memory that it was before
}

std::vector<WindowRow> TorchEngine::rows_until(uint64_t window) {
  std::vector<WindowRow> out;
  if (!rows_) return out;
  for (const RowRing::Row& row : rows_->until(window)) {
    const std::vector<double>& v = row.values;
    known_step_ = static_cast<uint64_t>(v[UpdateRow::kStep]);
    --windows_in_flight_;
    const DataWaits::Seconds waited = data_waits_.take(row.window);
    out.push_back({row.window, known_step_, v[UpdateRow::kIsApplied] != 0, v[UpdateRow::kLossSum], v[UpdateRow::kCount], v[UpdateRow::kGradientNorm],
                   v[UpdateRow::kLossScale], v[UpdateRow::kLearningRate], {v.begin() + UpdateRow::kFirstMetric, v.end()}, row.seconds, waited.late, waited.copy});
  }
  return out;
}

}  // namespace trainhost
