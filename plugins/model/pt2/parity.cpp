#include "parity.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros_like.h>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <cmath>

#include "errors.h"
#include "module.h"
#include "step_facts.h"

namespace pt2 {
namespace {

constexpr const char* kTensors = "parity.safetensors";
constexpr int64_t kSample = 32;

// Relative bounds where bits cannot be expected: on the CPU kernels of another kind sum in another order; a GPU rounds otherwise in every one.
struct Bounds {
  double loss, gradient, weight;
};
constexpr Bounds kOtherCpu = {1e-5, 1e-4, 1e-5}, kOtherDevice = {1e-4, 1e-3, 1e-4};
constexpr double kNoise = 1e-6;  // of the norm over all parameters: a gradient that is zero but for rounding is noise

// One line of the table, the worst of what it stands for.
struct Line {
  std::string what, where;
  double computed = 0, recorded = 0, difference = 0, bound = 0;
  bool is_same = true;

  bool is_near() const { return is_same || difference <= bound; }
};

std::string hash_of(const at::Tensor& tensor) {
  const at::Tensor rows = tensor.detach().cpu().contiguous();
  return sha256_of({static_cast<const std::byte*>(rows.const_data_ptr()), rows.nbytes()});
}

bool is_random(const Plan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& step) { return draws(plan, step); });
}

// The record's numbers by name.
class Recorded {
 public:
  explicit Recorded(Bundle& bundle) : json(bundle.json("parity.json")), tensors_(bundle.tensors(kTensors)), place_(bundle.path() + ": " + kTensors) {}

  at::Tensor at(const std::string& name) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) throw damaged(place_, trainhost::format("has no tensor \"{}\"", name));
    return copied(found->second);
  }
  at::Tensor row(const std::string& name, int64_t index) const { return at(name).select(0, index).to(at::kDouble); }
  double number(const std::string& name, int64_t index) const { return row(name, index).item<double>(); }

  Json json;

 private:
  std::map<std::string, StoredTensor> tensors_;
  std::string place_;
};

class Replayed {
 public:
  Replayed(Bundle& bundle, at::Device device)
      : bundle_(bundle), device_(device), recorded_(bundle), module_(bundle, device, recorded_.json.at("seed").get<uint64_t>()), is_exact_(expects_bits()),
        bounds_(device.is_cpu() ? kOtherCpu : kOtherDevice) {
    for (const FieldFacts& field : bundle.manifest().fields) batch_.push_back(recorded_.at("batch/" + field.name).to(device));
  }

  Report run() {
    const bool can_train = device_.is_cpu() || !is_random(module_.program(t2::Mode::kTrain).plan);
    compare_hashes("initial", recorded_.json.at("initial"));
    evaluate(0);
    const auto steps = can_train ? recorded_.json.at("num_steps").get<int64_t>() : 0;
    for (int64_t i = 0; i < steps; ++i) step(i);
    if (can_train) evaluate(1);
    return report(can_train);
  }

 private:
  // The same kernels on the same kind of processor.
  bool expects_bits() const {
    const Json& json = recorded_.json;
    const auto version = json.value("torch_version", "");
    return device_.is_cpu() && json.value("graph_is_bit_identical", false) && json.value("cpu_capability", "") == at::get_cpu_capability() &&
           version.substr(0, version.find('+')) == TORCH_VERSION;
  }

  void evaluate(int64_t index) {
    const at::NoGradGuard no_gradients;
    compare_output(module_.forward(batch_, t2::Mode::kEvaluate), "evaluations", index, index == 0 ? "before" : "after");
  }

  void step(int64_t index) {
    at::manual_seed(recorded_.json.at("seed").get<uint64_t>() + static_cast<uint64_t>(index));
    for (t2::Parameter& parameter : module_.parameters()) parameter.compute.requires_grad_(parameter.is_trainable);
    const t2::Output output = module_.forward(batch_, t2::Mode::kTrain);
    const std::string when = trainhost::format("step {}", index + 1);
    compare_output(output, "steps", index, when);
    output.loss_sum.backward();
    const at::NoGradGuard no_gradients;
    compare_tensors("gradient", index, when);
    update(output.count.item<double>());
    compare_tensors("weight", index, when);
    compare_hashes(when, recorded_.json.at("steps").at(static_cast<size_t>(index)));
  }

  // Numbers of tensors with the recorded bits; buffers have no norms to compare.
  void compare_hashes(const std::string& when, const Json& recorded) {
    const auto count = [&](const char* kind, const auto& tensors, const auto& values_of) {
      Line line{trainhost::format("{} with the recorded bits, {}", kind, when), ""};
      line.recorded = line.bound = static_cast<double>(tensors.size());
      for (const auto& one : tensors) {
        const bool is_same = recorded.at(kind).at(one.name) == hash_of(values_of(one));
        line.computed += is_same;
        if (!is_same && line.where.empty()) line.where = one.name;
      }
      line.difference = line.recorded - line.computed;
      line.is_same = line.difference == 0;
      if (!tensors.empty()) lines_.push_back(line);
    };
    if (when == "initial") count("parameters", module_.parameters(), [](const t2::Parameter& parameter) { return parameter.compute; });
    count("buffers", module_.mutated_buffers(), [](const t2::NamedTensor& buffer) { return buffer.tensor; });
  }

  void update(double count) {
    const double alpha = count != 0 ? -(recorded_.json.at("rate").get<double>() / count) : 0;
    for (t2::Parameter& parameter : module_.parameters()) {
      at::Tensor& gradient = parameter.compute.mutable_grad();
      if (gradient.defined()) parameter.compute.add_(gradient, alpha);
      gradient.reset();
    }
  }

  void compare_output(const t2::Output& output, const std::string& kind, int64_t index, const std::string& when) {
    const std::string what = kind == "steps" ? "train" : "evaluate";
    compare_number(what + " loss, " + when, output.loss_sum, recorded_.number(kind + "/loss_sum", index));
    compare_number(what + " count, " + when, output.count, recorded_.number(kind + "/count", index));
    for (const t2::NamedTensor& metric : output.metric_sums) compare_number(what + " " + metric.name + ", " + when, metric.tensor, recorded_.number(kind + "/metric/" + metric.name, index));
  }

  void compare_number(const std::string& what, const at::Tensor& computed, double recorded) {
    Line line{what, "", computed.item<double>(), recorded};
    line.is_same = line.computed == recorded || (std::isnan(line.computed) && std::isnan(recorded));
    line.difference = std::abs(line.computed - recorded);
    line.bound = bounds_.loss * std::abs(recorded);
    lines_.push_back(line);
  }

  // The hashes of all parameters; the line shows the one that is furthest from its bound.
  void compare_tensors(const std::string& kind, int64_t index, const std::string& when) {
    const double everything = norm_of_all(kind, index), relative = kind == "gradient" ? bounds_.gradient : bounds_.weight;
    const Json& hashes = recorded_.json.at("steps").at(static_cast<size_t>(index)).at(kind == "gradient" ? "gradients" : "parameters");
    Line worst{kind + "s, " + when, ""};
    double worst_share = -1;
    for (t2::Parameter& parameter : module_.parameters()) {
      if (!parameter.is_trainable) continue;  // compare_hashes has looked at it
      const at::Tensor tensor = kind == "gradient" ? parameter.compute.grad() : parameter.compute;
      const Json& hash = hashes.at(parameter.name);
      Line line = compare_tensor(kind, parameter.name, tensor.defined() ? tensor : at::zeros_like(parameter.compute), index, relative, everything);
      line.is_same = tensor.defined() ? hash == hash_of(tensor) : hash.is_null();
      const bool were_same = worst.is_same;
      worst.is_same &= line.is_same;
      if (const double share = line.difference / line.bound; share > worst_share || (were_same && !line.is_same)) {
        worst_share = share;
        worst = {worst.what, parameter.name, line.computed, line.recorded, line.difference, line.bound, worst.is_same};
      }
    }
    lines_.push_back(worst);
  }

  double norm_of_all(const std::string& kind, int64_t index) const {
    double squares = 0;
    for (const t2::Parameter& parameter : module_.weights().parameters)
      if (parameter.is_trainable) squares += std::pow(recorded_.number(kind + "_norm/" + parameter.name, index), 2);
    return std::sqrt(squares);
  }

  Line compare_tensor(const std::string& kind, const std::string& name, const at::Tensor& tensor, int64_t index, double relative, double everything) const {
    const at::Tensor flat = tensor.detach().cpu().contiguous().view(-1).to(at::kDouble);
    Line line{kind, name, at::linalg_vector_norm(flat).item<double>(), recorded_.number(kind + "_norm/" + name, index)};
    const int64_t count = std::min(flat.numel(), kSample);
    const at::Tensor places = at::arange(count).mul_(count > 0 ? flat.numel() / count : 0);
    const at::Tensor differences = flat.index_select(0, places).sub(recorded_.row(kind + "_sample/" + name, index)).abs_();
    line.difference = std::max(std::abs(line.computed - line.recorded), count > 0 ? differences.max().item<double>() : 0.0);
    line.bound = relative * line.recorded + kNoise * everything;
    return line;
  }

  Report report(bool can_train) const {
    Report out;
    out.is_check = true;
    out.facts["bundle"] = bundle_.path();
    out.facts["device"] = device_.str();
    out.facts["recorded with"] = trainhost::format("PyTorch {}, {}", recorded_.json.value("torch_version", "?"), recorded_.json.value("cpu_capability", "?"));
    out.facts["computed with"] = trainhost::format("LibTorch {}, {}", TORCH_VERSION, at::get_cpu_capability());
    out.facts["wanted"] = is_exact_ ? "every bit" : trainhost::format("within {:g} of losses, {:g} of gradients, {:g} of weights", bounds_.loss, bounds_.gradient, bounds_.weight);
    if (!can_train) out.facts["not compared"] = "training steps: the model draws random numbers, which are others on this device";
    Table table{"parity", {"what", "parameter", "computed", "recorded", "difference", "bound", "verdict"}, {}};
    for (const Line& line : lines_) {
      const bool is_ok = is_exact_ ? line.is_same : line.is_near();
      out.is_passed &= is_ok;
      table.rows.push_back({line.what, line.where, line.computed, line.recorded, line.is_same ? 0.0 : line.difference, is_exact_ ? 0.0 : line.bound,
                            line.is_same ? "same bits" : is_ok ? "near" : "differs"});
    }
    out.tables.push_back(std::move(table));
    return out;
  }

  Bundle& bundle_;
  at::Device device_;
  Recorded recorded_;
  Module module_;
  bool is_exact_;
  Bounds bounds_;
  std::vector<at::Tensor> batch_;
  std::vector<Line> lines_;
};

}  // namespace

Report check_parity(Bundle& bundle, at::Device device) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);  // sums depend on how they are cut among threads, and one recorded
  at::globalContext().setAllowTF32CuDNN(false);
  Report report = Replayed(bundle, device).run();
  at::set_num_threads(threads);
  return report;
}

}  // namespace pt2
