// The engine outside of windows: evaluation, sampling, snapshots and their restoring.
#include <ATen/core/grad_mode.h>

#include "engine/failures.h"
#include "engine/sampling.h"
#include "engine/torch_engine.h"
#include "engine/torch_types.h"

namespace trainhost {
namespace {

void check_outside_window(bool is_in_window, const char* what) {
  if (is_in_window) throw Error(ExitCode::kFailure, format("engine: {} inside of a window; apply or abandon it first", what));
}

}  // namespace

void TorchEngine::require_model(const char* what) const {
  if (!model_) throw Error(ExitCode::kFailure, format("engine: {} before prepare", what));
}

void TorchEngine::wait_for_device() {
  ++num_waits_;
  device_->mark()->wait();
}

void TorchEngine::begin_evaluation() {
  if (rows_) rows_->interrupt();
  require_model("evaluation");
  check_outside_window(window_.has_value(), "evaluation");
  forget_casts();
  evaluation_.emplace();
}

void TorchEngine::evaluate(const DeviceBatch& batch) {
  if (!evaluation_) throw Error(ExitCode::kFailure, "engine: evaluate without begin_evaluation");
  const at::NoGradGuard no_gradients;
  const auto random_states = random_.get();
  std::vector<at::Tensor> buffers;
  for (const t2::NamedTensor& buffer : model_->buffers()) buffers.push_back(buffer.tensor.clone());
  translated(*device_, "model, evaluation", [&] {
    const AutocastRegion region(precision_, device_->place());
    const MeteredCall call(setup_.meter, setup_.model_account, "forward");
    evaluation_->add(checked_sums(model_->forward(model_batch(batch), t2::Mode::kEvaluate), evaluation_metrics_), batch.num_samples);
  });
  for (size_t i = 0; i < buffers.size(); ++i) model_->buffers()[i].tensor.copy_(buffers[i]);
  random_.set(random_states);
}

EvaluationResult TorchEngine::finish_evaluation() {
  if (!evaluation_) throw Error(ExitCode::kFailure, "engine: finish_evaluation without begin_evaluation");
  ++num_waits_;
  const Evaluation done = *std::exchange(evaluation_, std::nullopt);
  forget_casts();
  return translated(*device_, "model, evaluation", [&] {
    EvaluationResult result = done.finish(evaluation_metrics_.value_or(std::vector<std::string>()));
    if (text_model_) add_language_metrics(setup_.fields, result);
    return result;
  });
}

void TorchEngine::sample(std::vector<int64_t> prompt, uint64_t count, double temperature, uint64_t top_k, uint64_t seed,
                         const std::function<bool(int64_t)>& on_token) {
  require_model("sampling");
  check_outside_window(window_.has_value(), "sampling");
  if (!text_model_) throw Error(ExitCode::kConfig, "sample: this run's model makes no text; only models with the text interface can be sampled");
  forget_casts();
  const auto random_states = random_.get();
  ++num_waits_;
  translated(*device_, "model, sampling", [&] {
    const AutocastRegion region(precision_, device_->place());
    sample_tokens(*text_model_, device_->place(), std::move(prompt), {count, temperature, top_k, seed}, on_token);
  });
  random_.set(random_states);
  forget_casts();
}

std::vector<t2::NamedTensor> TorchEngine::weights() const {
  std::vector<t2::NamedTensor> out;
  for (const t2::Parameter& parameter : model_->parameters()) out.push_back({parameter.name, parameter.compute});
  for (const t2::NamedTensor& buffer : model_->buffers()) out.push_back(buffer);
  return out;
}

std::vector<t2::NamedTensor> TorchEngine::optimizer_state() const {
  std::vector<t2::NamedTensor> out;
  if (!optimizer_) return out;
  for (const t2::NamedTensor& slot : optimizer_->state()) out.push_back({"optimizer." + slot.name, slot.tensor});
  return out;
}

std::vector<t2::NamedTensor> TorchEngine::engine_state() {
  std::vector<t2::NamedTensor> out;
  for (auto& [name, state] : random_.get()) out.push_back({"engine." + name, state});
  if (!update_) return out;
  out.push_back({"engine.loss_scale", update_->loss_scale()});
  out.push_back({"engine.growth_tracker", update_->growth_tracker()});
  out.push_back({"engine.step", update_->step()});
  return out;
}

std::vector<TensorView> TorchEngine::weight_layout() const {
  require_model("a look at the weights");
  std::vector<TensorView> out;
  for (const t2::NamedTensor& one : weights()) out.push_back({one.name, safetensors_name(one.tensor.scalar_type()), one.tensor.sizes().vec(), nullptr, one.tensor.nbytes()});
  return out;
}

void TorchEngine::initialise(std::span<const InitialTensor> values) {
  require_model("initial weights");
  check_outside_window(window_.has_value(), "initial weights");
  translated(*device_, "initial weights, copy to the device", [&] { initialise_tensors(values, weights()); });
  forget_casts();
}

EngineState TorchEngine::snapshot() {
  require_model("a snapshot");
  check_outside_window(window_.has_value(), "a snapshot");
  copies_.clear();
  EngineState state;
  translated(*device_, "checkpoint, copy from the device", [&] {
    for (const t2::NamedTensor& item : weights()) state.weights.push_back(copies_.add(item.name, item.tensor));
    for (const t2::NamedTensor& item : optimizer_state()) state.optimizer.push_back(copies_.add(item.name, item.tensor));
    for (const t2::NamedTensor& item : engine_state()) state.engine.push_back(copies_.add(item.name, item.tensor));
    wait_for_device();
  });
  return state;
}

// Parameters and slots stay as they are until the next update; buffers and generators change with the next forward pass.
std::array<StateCopier::Part, 4> TorchEngine::state_parts() {
  std::vector<t2::NamedTensor> parameters = weights(), buffers(model_->buffers().begin(), model_->buffers().end());
  parameters.resize(parameters.size() - buffers.size());
  return {{{&EngineState::weights, std::move(parameters), false},
           {&EngineState::weights, std::move(buffers), true},
           {&EngineState::optimizer, optimizer_state(), false},
           {&EngineState::engine, engine_state(), true}}};
}

std::unique_ptr<StateCopy> TorchEngine::copy_state() {
  require_model("a copy of the state");
  check_outside_window(window_.has_value(), "a copy of the state");
  const at::NoGradGuard no_gradients;
  return translated(*device_, "checkpoint, copy from the device", [&] { return copier_.start(state_parts()); });
}

void TorchEngine::prepare_copies() {
  require_model("copies of the state");
  copier_.prepare(StateCopier::bytes_of(state_parts()));
}

void TorchEngine::restore(std::span<const TensorView> saved_weights, std::span<const TensorView> saved_optimizer, std::span<const TensorView> saved_engine) {
  require_model("restoring");
  check_outside_window(window_.has_value(), "restoring");
  const std::vector<t2::NamedTensor> own_weights = weights(), own_optimizer = optimizer_state(), own_engine = engine_state();
  check_same_tensors("weights", saved_weights, own_weights);
  check_same_tensors("optimizer state", saved_optimizer, own_optimizer);
  check_same_tensors("engine state", saved_engine, own_engine);
  copier_.order_update_after_copy();
  copier_.wait_for_arena();  // which may be what is read from
  copy_into(saved_weights, own_weights);
  copy_into(saved_optimizer, own_optimizer);
  copy_into(saved_engine, own_engine);  // of the generators: into the copies that engine_state() made
  wait_for_device();
  auto random_states = random_.get();
  for (size_t i = 0; i < random_states.size(); ++i) random_states[i].second = own_engine[i].tensor;
  random_.set(random_states);
  forget_casts();
  if (!rows_) return;
  rows_->clear();
  known_step_ = applied_steps();
  windows_in_flight_ = 0;
}

void TorchEngine::restore_weights(std::span<const TensorView> saved) {
  require_model("restoring");
  check_outside_window(window_.has_value(), "restoring");
  check_same_tensors("weights", saved, weights());
  copier_.order_update_after_copy();
  copier_.wait_for_arena();
  copy_into(saved, weights());
  wait_for_device();
  forget_casts();
}

uint64_t TorchEngine::applied_steps() {
  if (!update_) return 0;
  ++num_waits_;
  return static_cast<uint64_t>(update_->step().item<int64_t>());
}

}  // namespace trainhost
