// A model, an optimizer and an op pack that are sound, but for the one fault that their config names: each question of `plugins check` must find its own.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <trainhost/torch/model.h>
#include <trainhost/torch/op_pack.h>
#include <trainhost/torch/optimizer.h>
#include <trainhost/plugin.hpp>

namespace {

namespace t2 = trainhost::t2;

struct Config {
  std::string fault = "none";
};

constexpr auto kSchema = trainhost::schema<Config>().key("fault", &Config::fault, "what is wrong with it");

// ---- a linear classifier with a running mean

class WrongModel final : public t2::Model {
 public:
  explicit WrongModel(Config config) : fault_(std::move(config.fault)) {}

  void build(const t2::ModelFacts& facts) override {
    if (fault_ == "throws") throw std::runtime_error("no such field");
    check_fields({facts.fields.begin(), facts.fields.end()});
    std::int64_t inputs = 1;
    for (const std::int64_t axis : facts.fields[0].shape) inputs *= axis;
    const std::int64_t classes = facts.fields[1].num_classes;
    at::Generator generator = at::detail::createCPUGenerator(facts.seed);
    const at::Tensor weight = at::empty({classes, inputs}, at::kFloat);
    fault_ == "seed" ? weight.normal_() : weight.normal_(0, 1, generator);
    if (fault_ == "only_float32" && facts.default_dtype != at::kFloat)
      throw trainhost::PluginError(TRAINHOST_INVALID_ARGUMENT, "wrong_model: computes in float32, got another format; choose the policy fp32");
    const auto options = at::TensorOptions(fault_ == "narrow_weights" ? at::kFloat : facts.default_dtype).device(facts.device);
    parameters_ = {{"weight", weight.to(options), {}, true, t2::kDecay},
                   {fault_ == "two_names" ? "weight" : "bias", at::zeros({classes}, options), {}, true, t2::kBias}};
    if (fault_ == "narrow_without_values" && facts.values_follow) parameters_[1].compute = at::zeros({1}, options);
    shift_ = fault_ == "forgets_without_values" && facts.values_follow ? 0.0 : 1.0;
    if (fault_ == "master") parameters_[0].master = parameters_[0].compute;
    buffers_ = {{"mean", at::zeros({inputs}, options)}};
  }
  std::span<t2::Parameter> parameters() override { return parameters_; }
  std::span<t2::NamedTensor> buffers() override { return buffers_; }

  t2::Output forward(const t2::Batch& batch, t2::Mode mode) override {
    const at::Tensor& y = batch.fields[1].tensor;
    misbehave_on(batch.fields[0].tensor, y);
    at::Tensor x = batch.fields[0].tensor.flatten(1).to(parameters_[0].compute.scalar_type());
    const bool is_training = mode == t2::Mode::kTrain;
    if (is_training || fault_ == "mean_in_evaluation") buffers_[0].tensor.mul_(0.9).add_(x.mean(0), 0.1);
    if (is_training || fault_ == "dropout_in_evaluation") x = at::dropout(x, 0.1, true);
    const at::Tensor bias = fault_ == "gradient" ? parameters_[1].compute.detach() : parameters_[1].compute;
    return output(at::linear(x.add(shift_), parameters_[0].compute, bias), y);
  }

 private:
  // Rows x and classes y; "frames" is a sound model too, but for fields that no usual source has.
  void check_fields(const std::vector<trainhost::Field>& fields) const {
    const bool wants_frames = fault_ == "frames";
    const auto refuse = [](trainhost_status status) { throw trainhost::PluginError(status, "wanted rows x and classes y"); };
    if (fault_ == "refuses" || (fields.size() < 2 && fault_ != "assumes_fields")) refuse(TRAINHOST_INVALID_ARGUMENT);
    const trainhost::Field &x = fields.at(0), &y = fields.at(1);
    const bool is_input = x.name == (wants_frames ? "frames" : "x") && x.shape.size() == (wants_frames ? 2 : 1) && x.dtype.code == TRAINHOST_DTYPE_FLOAT;
    if (!is_input || y.name != (wants_frames ? "label" : "y") || !y.shape.empty()) refuse(TRAINHOST_INVALID_ARGUMENT);
    if (*std::min_element(x.shape.begin(), x.shape.end()) < 1 || y.dtype.code != TRAINHOST_DTYPE_INT) refuse(TRAINHOST_INVALID_ARGUMENT);
    if (y.num_classes == 0) refuse(fault_ == "odd_status" ? TRAINHOST_FAILED_PRECONDITION : TRAINHOST_INVALID_ARGUMENT);
  }

  void misbehave_on(const at::Tensor& x, const at::Tensor& y) {
    if (fault_ == "trusts_shapes" && x.dim() != 2) *static_cast<volatile int*>(nullptr) = 1;
    if (x.dim() == 2 && x.size(0) == y.size(0)) return;
    if (fault_ == "no_words") throw std::runtime_error("");
    if (fault_ == "throws_a_number") throw 1;
    if (fault_ == "latches") is_broken_ = true;
  }

  t2::Output output(const at::Tensor& logits, const at::Tensor& y) {
    const auto reduction = fault_ == "mean" ? at::Reduction::Mean : at::Reduction::Sum;
    t2::Output out{at::cross_entropy_loss(logits, y, {}, reduction, -1), y.ne(-1).sum(), {{"right", logits.detach().argmax(1).eq(y).sum()}}};
    ++num_passes_;
    if (fault_ == "metrics" && num_passes_ > 1) out.metric_sums[0].name = "accuracy";
    if (fault_ == "grows") buffers_.push_back({trainhost::format("pass{}", num_passes_), out.count});
    if (fault_ == "sum_by_mean") out.loss_sum = out.loss_sum.div(y.size(0)).mul(y.size(0));
    if (is_broken_) out.loss_sum = out.loss_sum.mul(2);
    if (fault_ == "narrow_loss") out.loss_sum = out.loss_sum.to(at::kFloat);
    if (fault_ == "axes") out.loss_sum = out.loss_sum.unsqueeze(0);
    if (fault_ == "item") last_loss_ = out.loss_sum.item<double>();
    if (fault_ == "nonzero") out.count = y.ne(-1).nonzero().new_zeros({}).add(static_cast<double>(y.numel()));
    return out;
  }

  std::string fault_;
  std::vector<t2::Parameter> parameters_;
  std::vector<t2::NamedTensor> buffers_;
  double shift_ = 0;  // of the inputs; no parameter
  int num_passes_ = 0;
  bool is_broken_ = false;
  double last_loss_ = 0;
};

// ---- gradient descent with momentum

class WrongOptimizer final : public t2::Optimizer {
 public:
  explicit WrongOptimizer(Config config) : fault_(std::move(config.fault)) {}

  double learning_rate() const override { return fault_ == "base_rate" ? 0.0 : 0.1; }

  void attach(std::span<t2::ParameterGroup> groups) override {
    if (fault_ == "throws_a_number" && groups.empty()) throw 1;
    groups_ = groups;
    for (t2::ParameterGroup& group : groups)
      for (t2::Parameter* parameter : group.parameters) {
        momenta_.push_back(at::zeros_like(weight_of(*parameter)));
        if (fault_ == "slots_not_zero") momenta_.back().fill_(1);
        const std::string owner = fault_ == "slot_names" ? "momentum" : parameter->name;
        if (fault_ != "hidden_slots") state_.push_back({owner + ".momentum", momenta_.back()});
      }
  }
  std::span<t2::NamedTensor> state() override { return state_; }

  void step(const t2::StepInputs& inputs) override {
    ++num_steps_;
    if (fault_ == "item" && inputs.found_non_finite.item<float>() != 0) return;
    if (fault_ == "latches" && std::exchange(is_busy_, true)) return;
    std::size_t index = 0;
    for (const t2::ParameterGroup& group : groups_)
      for (t2::Parameter* parameter : group.parameters) update(group, *parameter, momenta_[index++], inputs);
    is_busy_ = false;
  }

 private:
  static at::Tensor weight_of(const t2::Parameter& parameter) { return (parameter.master.defined() ? parameter.master : parameter.compute).detach(); }

  void update(const t2::ParameterGroup& group, const t2::Parameter& parameter, at::Tensor& momentum, const t2::StepInputs& inputs) {
    const at::Tensor gradient = (parameter.master.defined() ? parameter.master : parameter.compute).grad();
    if (fault_ == "needs_gradients" && !gradient.defined()) throw std::runtime_error("no gradient");
    if (!gradient.defined()) return;
    const at::Tensor skips = inputs.found_non_finite.ne(0), weight = weight_of(parameter);
    const at::Tensor mean = fault_ == "multiplier" ? gradient : gradient.mul(inputs.gradient_multiplier);
    const at::Tensor moved = momentum.mul(0.9).add(mean);
    const double multiplier = fault_ == "group_rate" ? 1.0 : group.rate_multiplier;
    at::Tensor rate = fault_ == "rate" ? inputs.learning_rate.mul(0).add(0.01) : inputs.learning_rate;
    if (fault_ == "own_count") rate = rate.div(static_cast<double>(num_steps_));
    const at::Tensor target = weight.sub(moved.mul(rate).mul(multiplier));
    weight.copy_(fault_ == "ignores_skip" ? target : at::where(skips, weight, target));
    if (fault_ == "infinite" && weight.dim() == 0) weight.fill_(INFINITY);
    momentum.copy_(at::where(skips, momentum, moved));
  }

  std::string fault_;
  std::span<t2::ParameterGroup> groups_;
  std::vector<at::Tensor> momenta_;
  std::vector<t2::NamedTensor> state_;
  int num_steps_ = 0;
  bool is_busy_ = false;  // stays so when an update throws
};

// ---- another gelu

at::Tensor own_gelu(const at::Tensor& self, c10::string_view approximate) {
  at::Tensor out = at::empty_like(self);
  return at::gelu_out(out, self, approximate);  // another overload, which is not replaced
}
at::Tensor twice(const at::Tensor& self, c10::string_view approximate) { return own_gelu(self, approximate).mul_(2); }
at::Tensor nearly(const at::Tensor& self, c10::string_view approximate) { return own_gelu(self, approximate).mul_(1.000001); }
at::Tensor without_backward(const at::Tensor& self, c10::string_view approximate) {
  const at::AutoDispatchBelowADInplaceOrView below;
  return own_gelu(self, approximate);
}
at::Tensor with_backward_of_identity(const at::Tensor& self, c10::string_view approximate) {
  return without_backward(self.detach(), approximate).add(self.sub(self.detach()));
}
at::Tensor unary(const at::Tensor& self) { return self; }
at::Tensor of_any_format(const at::Tensor& self, c10::string_view approximate) {
  return own_gelu(self.is_floating_point() ? self : self.to(at::kFloat), approximate);
}
at::Tensor of_whole_tensors(const at::Tensor& self, c10::string_view approximate) {
  if (!self.is_contiguous()) throw std::runtime_error("wanted a tensor without gaps");
  return own_gelu(self, approximate);
}
at::Tensor without_strides(const at::Tensor& self, c10::string_view approximate) {
  std::vector<std::int64_t> strides(self.sizes().size(), 1);
  for (std::size_t axis = strides.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * self.size(static_cast<std::int64_t>(axis));
  return own_gelu(self.as_strided(self.sizes(), strides), approximate);
}

// ---- operators with words, generators and autocast

at::Tensor own_einsum(c10::string_view equation, at::TensorList tensors, at::OptionalIntArrayRef) {
  const bool is_product = equation == "ij,jk->ik" || equation == "bij,bjk->bik";
  return is_product ? at::matmul(tensors[0], tensors[1]) : tensors[0].mul(tensors[1]).sum(-1);
}
at::Tensor wrong_einsum(c10::string_view equation, at::TensorList tensors, at::OptionalIntArrayRef path) {
  return own_einsum(equation, tensors, path).add(equation == "bij,bjk->bik" ? 1.0 : 0.0);
}

at::Tensor own_bernoulli(const at::Tensor& self, std::optional<at::Generator> generator) {
  return at::empty_like(self).uniform_(0, 1, std::move(generator)).lt(self).to(self.scalar_type());
}
at::Tensor bernoulli_of_its_own(const at::Tensor& self, std::optional<at::Generator>) {
  static at::Generator generator = at::detail::createCPUGenerator(1);
  return own_bernoulli(self, generator);
}
at::Tensor bernoulli_without_chance(const at::Tensor& self, std::optional<at::Generator>) { return own_bernoulli(self, at::detail::createCPUGenerator(1)); }

// Under AutocastCPU, as LibTorch's own: in bfloat16.
at::Tensor linear_in(at::ScalarType type, const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  const c10::impl::ExcludeDispatchKeyGuard guard(c10::DispatchKeySet(c10::DispatchKey::AutocastCPU));
  const auto cast = [&](const at::Tensor& tensor) { return tensor.to(type); };
  return at::linear(cast(input), cast(weight), bias && bias->defined() ? std::optional(cast(*bias)) : std::nullopt);
}
at::Tensor low_linear(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  return linear_in(at::kBFloat16, input, weight, bias);
}
at::Tensor high_linear(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  return linear_in(at::kFloat, input, weight, bias);
}
at::Tensor wrong_linear(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  return low_linear(input, weight, bias).mul(2);
}

class WrongPack final : public t2::OpPack {
 public:
  explicit WrongPack(Config config) : fault_(std::move(config.fault)) {}

  void start() override {
    if (fault_ == "leaks")  // for ever: nobody takes it back
      new c10::RegistrationHandleRAII(c10::Dispatcher::singleton().registerImpl({"aten::relu", ""}, c10::DispatchKey::AutogradCPU,
                                                                                c10::KernelFunction::makeFromUnboxedFunction(TORCH_FN(unary)), std::nullopt,
                                                                                nullptr, "wrong_pack"));
    replacements_ = wanted();
  }

  std::span<const t2::OpReplacement> replacements() override {
    if (fault_ == "changes" && num_answers_++ == 1) replacements_.push_back(t2::replacement<&own_gelu>("aten::gelu", "", "CUDA"));
    return replacements_;
  }

 private:
  std::vector<t2::OpReplacement> wanted() const {
    if (fault_ == "nothing") return {};
    if (fault_ == "operator") return {t2::replacement<&own_gelu>("aten::gelo", "", "CPU")};
    if (fault_ == "key") return {t2::replacement<&own_gelu>("aten::gelu", "", "CPUs")};
    if (fault_ == "signature") return {t2::replacement<&unary>("aten::gelu", "", "CPU")};
    if (fault_ == "no_kernel") return {{"aten::gelu", "", "CPU", {}}};
    if (fault_ == "twice") return {t2::replacement<&own_gelu>("aten::gelu", "", "CPU"), t2::replacement<&own_gelu>("aten::gelu", "", "CPU")};
    if (fault_ == "values") return {t2::replacement<&twice>("aten::gelu", "", "CPU")};
    if (fault_ == "bits") return {t2::replacement<&nearly>("aten::gelu", "", "CPU", true)};
    if (fault_ == "no_backward") return {t2::replacement<&without_backward>("aten::gelu", "", "AutogradCPU")};
    if (fault_ == "gradient") return {t2::replacement<&with_backward_of_identity>("aten::gelu", "", "AutogradCPU")};
    if (fault_ == "not_reached") return {t2::replacement<&own_gelu>("aten::gelu", "", "AutogradXLA")};
    if (fault_ == "cuda") return {t2::replacement<&own_gelu>("aten::gelu", "", "CUDA")};
    if (fault_ == "undrivable") return {{"aten::_assert_async", "msg", "CPU", c10::KernelFunction::makeFallthrough()}};
    if (fault_ == "any_format") return {t2::replacement<&of_any_format>("aten::gelu", "", "CPU")};
    if (fault_ == "picky") return {t2::replacement<&of_whole_tensors>("aten::gelu", "", "CPU")};
    if (fault_ == "strides") return {t2::replacement<&without_strides>("aten::gelu", "", "CPU")};
    if (fault_ == "words") return {t2::replacement<&own_einsum>("aten::einsum", "", "AutogradCPU")};
    if (fault_ == "one_word") return {t2::replacement<&wrong_einsum>("aten::einsum", "", "AutogradCPU")};
    if (fault_ == "random") return {t2::replacement<&own_bernoulli>("aten::bernoulli", "", "CPU")};
    if (fault_ == "own_generator") return {t2::replacement<&bernoulli_of_its_own>("aten::bernoulli", "", "CPU")};
    if (fault_ == "no_chance") return {t2::replacement<&bernoulli_without_chance>("aten::bernoulli", "", "CPU")};
    if (fault_ == "autocast") return {t2::replacement<&low_linear>("aten::linear", "", "AutocastCPU")};
    if (fault_ == "autocast_values") return {t2::replacement<&wrong_linear>("aten::linear", "", "AutocastCPU")};
    if (fault_ == "autocast_format") return {t2::replacement<&high_linear>("aten::linear", "", "AutocastCPU")};
    return {t2::replacement<&own_gelu>("aten::gelu", "", "CPU", true)};
  }

  std::string fault_;
  std::vector<t2::OpReplacement> replacements_;
  int num_answers_ = 0;
};

}  // namespace

TRAINHOST_DEFINE(WrongModel,
                 {.kind = "model", .name = "wrong_model", .version = "1.0.0", .summary = "for tests: has the fault that it is told to have", .schema = kSchema})
TRAINHOST_DEFINE(
    WrongOptimizer,
    {.kind = "optimizer", .name = "wrong_optimizer", .version = "1.0.0", .summary = "for tests: has the fault that it is told to have", .schema = kSchema})
TRAINHOST_DEFINE(
    WrongPack, {.kind = "op_pack", .name = "wrong_pack", .version = "1.0.0", .summary = "for tests: has the fault that it is told to have", .schema = kSchema})
TRAINHOST_PLUGINS(WrongModel, WrongOptimizer, WrongPack)
