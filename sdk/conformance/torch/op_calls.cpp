// Registering, calling, comparing.
#include "conformance/torch/op_calls.h"

#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

// From ATen/autocast_mode.h, which costs 11 s to include (measured).
namespace at::autocast {
TORCH_API bool is_autocast_enabled(at::DeviceType device_type);
TORCH_API void set_autocast_enabled(at::DeviceType device_type, bool enabled);
TORCH_API bool is_autocast_cache_enabled();
TORCH_API void set_autocast_cache_enabled(bool enabled);
}  // namespace at::autocast

namespace trainhost::conformance {
namespace {

c10::DispatchKey key_of(const t2::OpReplacement& replacement) {
  try {
    return c10::parseDispatchKey(replacement.dispatch_key);
  } catch (const std::exception&) {
    fail("LibTorch has no dispatch key \"{}\", which {} is for", replacement.dispatch_key, op_of(replacement));
  }
}

bool is_for_autocast(const t2::OpReplacement& replacement) { return replacement.dispatch_key.find("Autocast") != std::string::npos; }

// Counts, and hands on to the pack's kernel.
struct CountedKernel final : c10::OperatorKernel {
  CountedKernel(c10::KernelFunction kernel, std::uint64_t* count) : inner(std::move(kernel)), calls(count) {}
  void operator()(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
    ++*calls;
    inner.callBoxed(op, keys, stack);
  }
  c10::KernelFunction inner;
  std::uint64_t* calls;
};

class NoWarnings final : public c10::WarningHandler {
  void process(const c10::Warning&) override {}  // that a kernel takes the place of another is what is wanted
};

// While it lives, operators that autocast knows compute in its lower format; without the cache, which would keep copies of our tensors.
class Autocast {
 public:
  Autocast(at::DeviceType type, bool is_wanted)
      : type_(type), was_on_(at::autocast::is_autocast_enabled(type)), had_cache_(at::autocast::is_autocast_cache_enabled()) {
    at::autocast::set_autocast_enabled(type_, is_wanted);
    at::autocast::set_autocast_cache_enabled(false);
  }
  ~Autocast() {
    at::autocast::set_autocast_enabled(type_, was_on_);
    at::autocast::set_autocast_cache_enabled(had_cache_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  at::DeviceType type_;
  bool was_on_, had_cache_;
};

// The same for each call: what flows back into the outputs.
at::Tensor backward_seed(const at::Tensor& output) {
  std::mt19937_64 random(5);
  return normal_numbers(output.sizes(), random).to(output.options().requires_grad(false));
}

// What the outputs sum to, times numbers; undefined where none has a gradient.
at::Tensor loss_of(const std::vector<at::Tensor>& outputs) {
  at::Tensor loss;
  for (const at::Tensor& output : outputs) {
    if (!output.defined() || !output.requires_grad() || !output.is_floating_point()) continue;
    const at::Tensor part = output.mul(backward_seed(output)).sum();
    loss = loss.defined() ? loss.add(part) : part;
  }
  return loss;
}

bool same_bits(const at::Tensor& a, const at::Tensor& b) { return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && bytes_of(a) == bytes_of(b); }

// ---- calls that ATen takes

// With these arguments ATen's own operator works, gives finite numbers, and the same ones twice from one seed.
std::optional<Call> try_call(const c10::OperatorHandle& op, Call call, std::string& refusal) {
  try {
    call.own = run(op, call);
    if (is_finite(call.own) && !call.own.values.empty() && same_bits(call.own, run(op, call))) {
      call.is_random = !same_bits(call.own, run(op, call, 2));
      return call;
    }
    refusal = "ATen's own gives no finite numbers, or other ones each time";
  } catch (const std::exception& error) {
    refusal = first_line(error.what());
  }
  return std::nullopt;
}

std::vector<Call> calls_for(const Driven& one, at::Device device, std::uint64_t seed, std::string& refusal) {
  std::vector<Call> calls;
  std::mt19937_64 random(seed);
  for (const Recipe& recipe : recipes())
    for (int draw = 0; draw < kNumDraws; ++draw) {
      std::string unknown;
      auto arguments = draw_arguments(one.op.schema(), recipe, draw, device, random, unknown);
      if (!unknown.empty()) refusal = "no value can be made up for " + unknown;
      if (!arguments) continue;
      Call call{recipe.text, std::move(*arguments), device, !one.op.schema().is_mutable(), is_for_autocast(*one.replacement), false, {}};
      if (auto taken = try_call(one.op, std::move(call), refusal)) calls.push_back(std::move(*taken));
    }
  return calls;
}

std::string obstacle_of(const t2::OpReplacement& replacement, at::Device device) {
  const std::string& key = replacement.dispatch_key;
  if (key.find("CUDA") != std::string::npos && !device.is_cuda()) return "this check runs on the CPU; give it --device cuda";
  if (key.find("CPU") != std::string::npos && !device.is_cpu()) return "this check runs on a GPU; leave --device out";
  return {};
}

// ---- comparison

// bfloat16 arithmetic passes, another function does not.
constexpr double kTolerance = 1e-2;

void compare_tensors(const at::Tensor& got, const at::Tensor& wanted, bool is_bit_exact, bool is_random, const std::string& what) {
  const auto number_or_zeros = [](const at::Tensor& tensor, const at::Tensor& like) { return tensor.defined() ? tensor : like.mul(0); };
  if (!got.defined() && !wanted.defined()) return;
  const at::Tensor a = number_or_zeros(got, wanted), b = number_or_zeros(wanted, got);
  require(a.sizes() == b.sizes(), "{} has another shape than ATen's", what);
  require(a.scalar_type() == b.scalar_type(), "{} is {}, ATen's is {}", what, c10::toString(a.scalar_type()), c10::toString(b.scalar_type()));
  if (is_bit_exact) {
    require(same_bits(a, b), "{} is declared bit-exact, and differs from ATen's", what);
    return;
  }
  if (is_random) return;  // other random numbers are as good
  const at::Tensor x = a.to(at::kDouble), y = b.to(at::kDouble);
  const double difference = number_of(x.sub(y).norm()), size = number_of(y.norm());
  require(difference <= kTolerance * std::max(size, 1e-6), "{} is off by {} of ATen's norm, at most {} is rounding", what, difference / std::max(size, 1e-30),
          kTolerance);
}

}  // namespace

std::string op_of(const t2::OpReplacement& replacement) { return replacement.overload.empty() ? replacement.op : replacement.op + "." + replacement.overload; }
std::string text_of(const t2::OpReplacement& replacement) { return format("{} on {}", op_of(replacement), replacement.dispatch_key); }

Replacements replacements_of(const Specimen& plugin) {
  return calling("op_pack.replacements", [&] { return object_of<t2::OpPack>(plugin).replacements(); });
}

c10::OperatorHandle operator_of(const t2::OpReplacement& replacement) {
  const auto found = c10::Dispatcher::singleton().findSchema({replacement.op, replacement.overload});
  require(found.has_value(), "LibTorch has no operator {}", op_of(replacement));
  return *found;
}

Registered::Registered(Replacements replacements) : calls_(replacements.size()) {
  for (std::size_t i = 0; i < replacements.size(); ++i) {
    auto kernel = std::make_unique<CountedKernel>(replacements[i].kernel, &calls_[i]);
    add(replacements[i], c10::KernelFunction::makeFromBoxedFunctor<CountedKernel>(std::move(kernel)), std::nullopt);
  }
}

Registered::~Registered() {
  while (!handles_.empty()) handles_.pop_back();
}

void Registered::add(const t2::OpReplacement& replacement, c10::KernelFunction kernel, std::optional<c10::impl::CppSignature> signature) {
  NoWarnings quiet;
  const c10::WarningUtils::WarningHandlerGuard guard(&quiet);
  handles_.push_back(calling(format("registering {}", text_of(replacement)), [&] {
    return c10::Dispatcher::singleton().registerImpl({replacement.op, replacement.overload}, key_of(replacement), std::move(kernel), std::move(signature),
                                                     nullptr, "trainhost plugins check");
  }));
}

bool same_bits(const Result& a, const Result& b) {
  const auto all_same = [](const std::vector<at::Tensor>& x, const std::vector<at::Tensor>& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](const at::Tensor& one, const at::Tensor& other) {
      return one.defined() == other.defined() && (!one.defined() || same_bits(one, other));
    });
  };
  return a.has_gradient == b.has_gradient && all_same(a.values, b.values) && all_same(a.gradients, b.gradients);
}

bool is_finite(const Result& result) {
  const auto is_fine = [](const at::Tensor& tensor) {
    return !tensor.defined() || !tensor.is_floating_point() || number_of(tensor.to(at::kDouble).isfinite().all()) == 1;
  };
  return std::all_of(result.values.begin(), result.values.end(), is_fine) && std::all_of(result.gradients.begin(), result.gradients.end(), is_fine);
}

Result run(const c10::OperatorHandle& op, const Call& call, std::uint64_t seed) {
  const at::AutoGradMode gradients(call.with_gradients);
  torch::jit::Stack stack = fresh_copy(call.arguments, call.with_gradients, seed);
  const std::vector<at::Tensor> inputs = tensors_in(stack);
  seed_generators(call.device, seed);
  {
    const Autocast autocast(call.device.type(), call.with_autocast);
    op.callBoxed(stack);
  }
  Result result;
  const std::vector<at::Tensor> outputs = tensors_in(stack);
  for (const at::Tensor& output : outputs)
    if (output.defined()) result.values.push_back(output.detach().clone());
  const at::Tensor loss = call.with_gradients ? loss_of(outputs) : at::Tensor();
  result.has_gradient = loss.defined();
  if (!loss.defined()) return result;
  loss.backward();
  for (const at::Tensor& input : inputs)
    if (input.defined()) result.gradients.push_back(input.grad());
  return result;
}

std::vector<Driven> driven(Replacements replacements, const Subject& subject) {
  const at::Device device = device_of(subject);
  std::vector<Driven> all;
  for (std::size_t i = 0; i < replacements.size(); ++i) {
    Driven one{&replacements[i], i, operator_of(replacements[i]), {}, obstacle_of(replacements[i], device)};
    std::string refusal;
    if (one.obstacle.empty()) one.calls = calls_for(one, device, subject.seed, refusal);
    if (one.obstacle.empty() && one.calls.empty()) one.obstacle = format("no arguments were found that it takes ({})", refusal);
    all.push_back(std::move(one));
  }
  return all;
}

void skip_where_obstructed(const std::vector<Driven>& all) {
  if (all.empty()) skip("it replaces nothing on this machine with these settings");
  std::string obstacles;
  for (const Driven& one : all)
    if (!one.obstacle.empty()) obstacles += format("{}{}: {}", obstacles.empty() ? "" : "; ", text_of(*one.replacement), one.obstacle);
  if (!obstacles.empty()) skip("{}", obstacles);
}

void compare(const t2::OpReplacement& replacement, const Call& call, const Result& got, const std::string& place) {
  const bool is_bit_exact = replacement.is_bit_exact;
  require(got.values.size() == call.own.values.size(), "{} returns {} tensors, ATen {}", place, got.values.size(), call.own.values.size());
  for (std::size_t i = 0; i < got.values.size(); ++i)
    compare_tensors(got.values[i], call.own.values[i], is_bit_exact, call.is_random, format("{}: result {}", place, i));
  require(got.has_gradient == call.own.has_gradient,
          "{}: its result has {} gradient; a kernel for an operator without a backward of its own belongs on an Autograd key", place,
          got.has_gradient ? "a" : "no");
  for (std::size_t i = 0; i < got.gradients.size(); ++i)
    compare_tensors(got.gradients[i], call.own.gradients[i], is_bit_exact, call.is_random, format("{}: the gradient of tensor {}", place, i));
}

}  // namespace trainhost::conformance
