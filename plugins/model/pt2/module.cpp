#include "module.h"

#include <ATen/Context.h>

#include <algorithm>

#include "errors.h"
#include "modes.h"
#include "segments.h"

namespace pt2 {
namespace {

// Adds the file and the program to errors, and makes errors out of JSON that is not what it should be.
template <class Body>
auto naming(const std::string& place, Body&& body) {
  try {
    return body();
  } catch (const Json::exception& error) {
    throw refuse(trainhost::format("{}: is no program of torch.export ({}); export the model again", place, error.what()));
  } catch (const trainhost::PluginError& error) {
    const std::string words = error.message.starts_with("pt2: ") ? error.message.substr(5) : error.message;
    throw trainhost::PluginError(error.status, words.starts_with(place) ? error.message : trainhost::format("pt2: {}: {}", place, words));
  }
}

at::Tensor number_of(const c10::IValue& value, const std::string& name) {
  if (value.isTensor() && value.toTensor().defined() && value.toTensor().dim() == 0) return value.toTensor();
  throw refuse(trainhost::format("the program's {} is no tensor without axes; a model gives (loss_sum, count, metric sums...)", name));
}

}  // namespace

Module::Module(Bundle& bundle, at::Device device, uint64_t seed, bool recomputes) : metrics_(bundle.manifest().metrics), num_fields_(bundle.manifest().fields.size()) {
  const Target target{device, at::globalContext().userEnabledCuDNN()};
  const Json train = bundle.json("train/program.json"), eval = bundle.json("eval/program.json");
  naming(bundle.path(), [&] { check_modes(train, eval, bundle.path()); });
  weights_ = load_weights(bundle, device, seed);
  train_ = make_ready(bundle, "train", train, target);
  eval_ = make_ready(bundle, "eval", eval, target);
  if (recomputes) naming(bundle.path(), [&] { train_.program.plan.segments = find_segments(train_.program.plan, changing_inputs(train_)); });
}

// Buffers that training changes: not every operator's schema tells that it does.
std::vector<bool> Module::changing_inputs(const Ready& ready) const {
  std::vector<bool> is_changing;
  for (const Source& source : ready.sources)
    is_changing.push_back(source.kind == ProgramInput::Kind::kBuffer &&
                          std::any_of(weights_.mutated.begin(), weights_.mutated.end(), [&](const t2::NamedTensor& buffer) { return buffer.tensor.is_same(source.tensor); }));
  return is_changing;
}

Module::Ready Module::make_ready(Bundle& bundle, const char* mode, const Json& document, const Target& target) const {
  return naming(bundle.path() + ": " + mode + "/program.json", [&] {
    Ready ready{read_program(document, target), {}};
    const auto constants = load_constants(bundle, mode, target.device);
    size_t num_fields = 0;
    for (const ProgramInput& input : ready.program.inputs) ready.sources.push_back(source_of_input(input, constants, num_fields));
    if (num_fields != num_fields_) throw refuse(trainhost::format("takes {} fields, the manifest has {}; export the model again", num_fields, num_fields_));
    if (ready.program.plan.outputs.size() != metrics_.size() + 2)
      throw refuse(trainhost::format("gives {} values, wanted loss_sum, count and {} metrics; export the model again", ready.program.plan.outputs.size(), metrics_.size()));
    return ready;
  });
}

Module::Source Module::source_of_input(const ProgramInput& input, const std::map<std::string, at::Tensor>& constants, size_t& num_fields) const {
  const auto missing = [&](const char* what) { return refuse(trainhost::format("asks for the {} \"{}\", which the bundle does not have; export the model again", what, input.name)); };
  switch (input.kind) {
    case ProgramInput::Kind::kField: return {input.kind, num_fields++, {}};
    case ProgramInput::Kind::kParameter: {
      const auto found = weights_.parameter_index.find(input.name);
      if (found == weights_.parameter_index.end()) throw missing("parameter");
      return {input.kind, found->second, {}};
    }
    case ProgramInput::Kind::kBuffer: {
      const auto found = weights_.buffers.find(input.name);
      if (found == weights_.buffers.end()) throw missing("buffer");
      return {input.kind, 0, found->second};
    }
    case ProgramInput::Kind::kConstant: break;
  }
  const auto found = constants.find(input.name);
  if (found == constants.end()) throw missing("constant");
  return {input.kind, 0, found->second};
}

t2::Output Module::forward(const std::vector<at::Tensor>& inputs, t2::Mode mode) {
  const Ready& ready = of(mode);
  std::vector<c10::IValue> values(static_cast<size_t>(ready.program.plan.num_slots));
  for (size_t i = 0; i < ready.sources.size(); ++i) {
    const Source& source = ready.sources[i];
    values[i] = source.kind == ProgramInput::Kind::kField ? inputs[source.index]
                : source.kind == ProgramInput::Kind::kParameter ? weights_.parameters[source.index].compute
                                                                : source.tensor;
  }
  const std::vector<c10::IValue> outputs = replay(ready.program.plan, std::move(values));
  t2::Output output{number_of(outputs[0], "loss_sum"), number_of(outputs[1], "count"), {}};
  for (size_t i = 0; i < metrics_.size(); ++i) output.metric_sums.push_back({metrics_[i], number_of(outputs[i + 2], "metric " + metrics_[i])});
  return output;
}

}  // namespace pt2
