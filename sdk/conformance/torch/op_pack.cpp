// What is asked of op packs: each kernel against the one that it replaces, forward and backward, and that nothing stays.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "conformance/torch/op_arguments.h"
#include "conformance/torch/torch_questions.h"
#include "trainhost/torch/op_pack.h"

namespace trainhost::conformance {
namespace {

using Replacements = std::span<const t2::OpReplacement>;

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

c10::DispatchKey key_of(const t2::OpReplacement& replacement) {
  try {
    return c10::parseDispatchKey(replacement.dispatch_key);
  } catch (const std::exception&) {
    fail("LibTorch has no dispatch key \"{}\", which {} is for", replacement.dispatch_key, op_of(replacement));
  }
}

// ---- what stands at the dispatcher

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

// All of a pack's kernels, registered together, as the engine does it: they may need each other.
class Registered {
 public:
  explicit Registered(Replacements replacements) : calls_(replacements.size()) {
    for (std::size_t i = 0; i < replacements.size(); ++i) {
      auto kernel = std::make_unique<CountedKernel>(replacements[i].kernel, &calls_[i]);
      add(replacements[i], c10::KernelFunction::makeFromBoxedFunctor<CountedKernel>(std::move(kernel)), std::nullopt);
    }
  }
  ~Registered() {
    while (!handles_.empty()) handles_.pop_back();
  }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;

  std::uint64_t calls(std::size_t index) const { return calls_[index]; }

  void add(const t2::OpReplacement& replacement, c10::KernelFunction kernel, std::optional<c10::impl::CppSignature> signature) {
    NoWarnings quiet;
    const c10::WarningUtils::WarningHandlerGuard guard(&quiet);
    handles_.push_back(calling(format("registering {}", text_of(replacement)), [&] {
      return c10::Dispatcher::singleton().registerImpl({replacement.op, replacement.overload}, key_of(replacement), std::move(kernel), std::move(signature),
                                                       nullptr, "trainhost plugins check");
    }));
  }

 private:
  std::vector<std::uint64_t> calls_;
  std::vector<c10::RegistrationHandleRAII> handles_;
};

// ---- one call of an operator

struct Result {
  std::vector<at::Tensor> values, gradients;
  bool has_gradient = false;
};

// The same for each call: what flows back into the outputs.
at::Tensor backward_seed(const at::Tensor& output) {
  std::mt19937_64 random(5);
  return normal_numbers(output.sizes(), random).to(output.options().requires_grad(false));
}

Result run(const c10::OperatorHandle& op, const torch::jit::Stack& arguments, bool with_gradients) {
  const at::AutoGradMode gradients(with_gradients);
  torch::jit::Stack stack = fresh_copy(arguments, with_gradients);
  const std::vector<at::Tensor> inputs = tensors_in(stack);
  op.callBoxed(stack);
  Result result;
  at::Tensor loss;
  for (const at::Tensor& output : tensors_in(stack)) {
    if (!output.defined()) continue;
    if (with_gradients && output.requires_grad() && output.is_floating_point())
      loss = loss.defined() ? loss.add(output.mul(backward_seed(output)).sum()) : output.mul(backward_seed(output)).sum();
    result.values.push_back(output.detach().clone());
  }
  result.has_gradient = loss.defined();
  if (!loss.defined()) return result;
  loss.backward();
  for (const at::Tensor& input : inputs)
    if (input.defined()) result.gradients.push_back(input.grad());
  return result;
}

bool same_bits(const at::Tensor& a, const at::Tensor& b) { return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && bytes_of(a) == bytes_of(b); }

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

// ---- calls that ATen takes

// Arguments with which ATen's own operator works, gives finite numbers, and the same ones twice.
struct Call {
  std::string text;
  torch::jit::Stack arguments;
  bool with_gradients = false;
  Result own;
};

std::optional<Call> try_call(const c10::OperatorHandle& op, const Recipe& recipe, torch::jit::Stack arguments, std::string& refusal) {
  Call call{recipe.text, std::move(arguments), !op.schema().is_mutable(), {}};
  try {
    call.own = run(op, call.arguments, call.with_gradients);
    if (is_finite(call.own) && !call.own.values.empty() && same_bits(call.own, run(op, call.arguments, call.with_gradients))) return call;
    refusal = "ATen's own gives no finite numbers, or other ones each time";
  } catch (const std::exception& error) {
    refusal = first_line(error.what());
  }
  return std::nullopt;
}

std::vector<Call> calls_for(const c10::OperatorHandle& op, at::Device device, std::uint64_t seed, std::string& refusal) {
  std::vector<Call> calls;
  std::mt19937_64 random(seed);
  for (const Recipe& recipe : recipes())
    for (int draw = 0; draw < kNumDraws; ++draw) {
      std::string unknown;
      auto arguments = draw_arguments(op.schema(), recipe, draw, device, random, unknown);
      if (!unknown.empty()) refusal = "no value can be made up for " + unknown;
      if (!arguments) continue;
      if (auto call = try_call(op, recipe, std::move(*arguments), refusal)) calls.push_back(std::move(*call));
    }
  return calls;
}

// A replacement with the calls that reach it, or why there are none.
struct Driven {
  const t2::OpReplacement* replacement;
  std::size_t index;
  c10::OperatorHandle op;
  std::vector<Call> calls;
  std::string obstacle;
};

std::string obstacle_of(const t2::OpReplacement& replacement, at::Device device) {
  const std::string& key = replacement.dispatch_key;
  if (key.find("Autocast") != std::string::npos) return "this check does not autocast";
  if (key.find("CUDA") != std::string::npos && !device.is_cuda()) return "this check runs on the CPU; give it --device cuda";
  if (key.find("CPU") != std::string::npos && !device.is_cpu()) return "this check runs on a GPU; leave --device out";
  return {};
}

std::vector<Driven> driven(Replacements replacements, const Subject& subject) {
  std::vector<Driven> all;
  for (std::size_t i = 0; i < replacements.size(); ++i) {
    Driven one{&replacements[i], i, operator_of(replacements[i]), {}, obstacle_of(replacements[i], device_of(subject))};
    std::string refusal;
    if (one.obstacle.empty()) one.calls = calls_for(one.op, device_of(subject), subject.seed, refusal);
    if (one.obstacle.empty() && one.calls.empty()) one.obstacle = format("no arguments were found that it takes ({})", refusal);
    all.push_back(std::move(one));
  }
  return all;
}

// At the end of a question: what could not be asked makes it a skip.
void skip_where_obstructed(const std::vector<Driven>& all) {
  if (all.empty()) skip("it replaces nothing on this machine with these settings");
  std::string obstacles;
  for (const Driven& one : all)
    if (!one.obstacle.empty()) obstacles += format("{}{}: {}", obstacles.empty() ? "" : "; ", text_of(*one.replacement), one.obstacle);
  if (!obstacles.empty()) skip("{}", obstacles);
}

// ---- comparison

// bfloat16 arithmetic passes, another function does not.
constexpr double kTolerance = 1e-2;

void compare(const at::Tensor& got, const at::Tensor& wanted, bool is_bit_exact, const std::string& what) {
  const auto number_or_zeros = [](const at::Tensor& tensor, const at::Tensor& like) { return tensor.defined() ? tensor : like.mul(0); };
  if (!got.defined() && !wanted.defined()) return;
  const at::Tensor a = number_or_zeros(got, wanted), b = number_or_zeros(wanted, got);
  require(a.sizes() == b.sizes(), "{} has another shape than ATen's", what);
  require(a.scalar_type() == b.scalar_type(), "{} is {}, ATen's is {}", what, c10::toString(a.scalar_type()), c10::toString(b.scalar_type()));
  if (is_bit_exact) {
    require(same_bits(a, b), "{} is declared bit-exact, and differs from ATen's", what);
    return;
  }
  const at::Tensor x = a.to(at::kDouble), y = b.to(at::kDouble);
  const double difference = number_of(x.sub(y).norm()), size = number_of(y.norm());
  require(difference <= kTolerance * std::max(size, 1e-6), "{} is off by {} of ATen's norm, at most {} is rounding", what, difference / std::max(size, 1e-30),
          kTolerance);
}

void compare(const Driven& one, const Call& call, const Result& got) {
  const bool is_bit_exact = one.replacement->is_bit_exact;
  const std::string place = format("{} ({})", text_of(*one.replacement), call.text);
  require(got.values.size() == call.own.values.size(), "{} returns {} tensors, ATen {}", place, got.values.size(), call.own.values.size());
  for (std::size_t i = 0; i < got.values.size(); ++i) compare(got.values[i], call.own.values[i], is_bit_exact, format("{}: result {}", place, i));
  require(got.has_gradient == call.own.has_gradient,
          "{}: its result has {} gradient; a kernel for an operator without a backward of its own belongs on an Autograd key", place,
          got.has_gradient ? "a" : "no");
  for (std::size_t i = 0; i < got.gradients.size(); ++i)
    compare(got.gradients[i], call.own.gradients[i], is_bit_exact, format("{}: the gradient of tensor {}", place, i));
}

// ---- questions

void check_claims(Replacements replacements) {
  std::set<std::string> kernels;
  Registered registered(Replacements{});
  for (const t2::OpReplacement& replacement : replacements) {
    operator_of(replacement);
    require(replacement.kernel.isValid(), "{} has no kernel", text_of(replacement));
    require(kernels.insert(text_of(replacement)).second, "{} is declared twice", text_of(replacement));
    registered.add(replacement, replacement.kernel, replacement.signature);
  }
}

std::string claims_text(Replacements replacements) {
  std::string text;
  for (const t2::OpReplacement& replacement : replacements) text += text_of(replacement) + (replacement.is_bit_exact ? ", bit-exact; " : "; ");
  return text;
}

void replacements_fit_and_stay(const Subject& subject) {
  Specimen plugin(subject);
  plugin.begin();
  const std::string first = claims_text(replacements_of(plugin));
  check_claims(replacements_of(plugin));
  const std::string second = claims_text(replacements_of(plugin));
  require(first == second, "replacements() answered \"{}\" first, and \"{}\" later", first, second);
}

void kernels_match_aten(const Subject& subject) {
  Specimen plugin(subject);
  plugin.begin();
  const Replacements replacements = replacements_of(plugin);
  const std::vector<Driven> all = driven(replacements, subject);
  const Registered registered(replacements);
  for (const Driven& one : all) {
    for (const Call& call : one.calls) compare(one, call, calling(text_of(*one.replacement), [&] { return run(one.op, call.arguments, call.with_gradients); }));
    require(!one.obstacle.empty() || registered.calls(one.index) > 0, "{} was never called: calls of {} do not come by this key", text_of(*one.replacement),
            op_of(*one.replacement));
  }
  skip_where_obstructed(all);
}

// What every operator has registered, in LibTorch's words.
Bytes registrations() {
  c10::Dispatcher& dispatcher = c10::Dispatcher::singleton();
  Bytes all;
  for (const c10::OperatorName& name : dispatcher.getAllOpNames())
    if (const auto op = dispatcher.findOp(name)) all.emplace_back(c10::toString(name), op->dumpState());
  std::sort(all.begin(), all.end());
  return all;
}

// Operators that came with the plugin file are no concern.
void require_as_before(const Bytes& before) {
  const Bytes now = registrations();
  for (const auto& [name, state] : before) {
    const auto found = std::lower_bound(now.begin(), now.end(), std::make_pair(name, std::string()));
    require(found != now.end() && *found == std::make_pair(name, state),
            "{} has other kernels than before the plugin was loaded; declare replacements, and let the host register them", name);
  }
}

void kernels_are_gone(const Subject& subject) {
  const Bytes before = registrations();
  std::vector<Driven> all;
  std::vector<t2::OpReplacement> copies;  // of the names only: kernels must not outlive the pack
  {
    Specimen plugin(subject);
    plugin.begin();
    const Replacements replacements = replacements_of(plugin);
    all = driven(replacements, subject);
    copies.reserve(replacements.size());
    for (Driven& one : all) {
      copies.push_back({one.replacement->op, one.replacement->overload, one.replacement->dispatch_key, {}});
      one.replacement = &copies.back();
    }
    const Registered registered(replacements);
    for (const Driven& one : all)
      for (const Call& call : one.calls) calling(text_of(*one.replacement), [&] { return run(one.op, call.arguments, call.with_gradients); });
  }
  require_as_before(before);
  for (const Driven& one : all)
    for (const Call& call : one.calls)
      require(same_bits(call.own, run(one.op, call.arguments, call.with_gradients)),
              "{}: after its registration was taken back, {} ({}) does not compute as before", text_of(*one.replacement), op_of(*one.replacement), call.text);
  skip_where_obstructed(all);
}

constexpr Question kQuestions[] = {
    {"op_pack/replacements_fit", "Every replacement fits an operator and a dispatch key, and replacements() answers the same each time", "op_pack",
     Scope::kPlugin, answer<replacements_fit_and_stay>},
    {"op_pack/matches_aten", "Results and gradients are those of the kernels that are replaced", "op_pack", Scope::kPlugin, answer<kernels_match_aten>},
    {"op_pack/gone_when_taken_back", "Nothing of the pack stays when its registrations are taken back", "op_pack", Scope::kPlugin, answer<kernels_are_gone>},
};

}  // namespace

std::span<const Question> op_pack_questions() { return kQuestions; }

}  // namespace trainhost::conformance
