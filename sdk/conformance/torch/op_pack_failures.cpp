// What is asked of op packs with tensors of another shape, format or layout: what ATen refuses they refuse, and what it takes they compute.
#include <algorithm>

#include "conformance/torch/failures.h"
#include "conformance/torch/op_calls.h"
#include "conformance/torch/torch_questions.h"

namespace trainhost::conformance {
namespace {

constexpr std::size_t kCallsOfAnOperator = 4;  // each with every odd form of each of its tensors

// Other forms of one tensor. What is read of a wrong one lies inside of memory that is the tensor's own.
std::vector<std::pair<std::string, at::Tensor>> odd_forms_of(const at::Tensor& tensor) {
  std::vector<std::pair<std::string, at::Tensor>> forms = {
      {"as float64", tensor.to(at::kDouble)}, {"as int64", tensor.to(at::kLong)}, {"with an axis more", tensor.unsqueeze(0)}};
  if (tensor.dim() == 0) return forms;
  forms.emplace_back("without elements", tensor.narrow(0, 0, 0));
  forms.emplace_back("with shorter rows", tensor.narrow(-1, 0, tensor.size(-1) - 1));
  forms.emplace_back("with an axis less", tensor.select(0, 0));
  std::vector<std::int64_t> wide(tensor.sizes().begin(), tensor.sizes().end());
  wide.push_back(2);
  forms.emplace_back("with gaps between its elements", tensor.unsqueeze(-1).expand(wide).clone().select(-1, 0));
  return forms;
}

// The call with one of its tensors in another form, for each tensor and form.
std::vector<Call> odd_calls_of(const Call& sound) {
  std::vector<Call> calls;
  for (std::size_t i = 0; i < sound.arguments.size(); ++i) {
    if (!sound.arguments[i].isTensor() || !sound.arguments[i].toTensor().defined()) continue;
    for (auto& [text, tensor] : odd_forms_of(sound.arguments[i].toTensor())) {
      Call odd = sound;
      odd.arguments[i] = tensor;
      odd.text = format("{}, tensor {} {}", sound.text, i, text);
      calls.push_back(std::move(odd));
    }
  }
  return calls;
}

// What ATen makes of it; nullopt where that cannot be compared, since its numbers are not finite or random.
struct Asked {
  Call call;
  std::string refusal;  // ATen's words; empty: call.own is what it gave
};
std::optional<Asked> ask_aten(const c10::OperatorHandle& op, Call call) {
  try {
    call.own = run(op, call);
  } catch (const std::exception& error) {
    return Asked{std::move(call), first_line(error.what())};
  }
  if (!is_finite(call.own) || !same_bits(call.own, run(op, call))) return std::nullopt;
  return Asked{std::move(call), {}};
}

std::vector<Asked> odd_calls_for(const Driven& one) {
  std::vector<Asked> all;
  for (std::size_t i = 0; i < std::min(one.calls.size(), kCallsOfAnOperator); ++i)
    for (Call& odd : odd_calls_of(one.calls[i]))
      if (auto asked = ask_aten(one.op, std::move(odd))) all.push_back(std::move(*asked));
  return all;
}

void check(const Driven& one, const Asked& asked) {
  const std::string place = format("{} ({})", text_of(*one.replacement), asked.call.text);
  Result got;
  const auto refusal = refusal_of_call(place, [&] { got = run(one.op, asked.call); });
  if (!asked.refusal.empty()) {
    require(refusal.has_value(), "{} computes what ATen refuses ({}); look at shapes and formats, and throw with words", place, asked.refusal);
    return;
  }
  require(!refusal.has_value(), "{} refuses what ATen takes: {}; hand on to ATen's own what the kernel is not made for", place, refusal.value_or(""));
  compare(*one.replacement, asked.call, got, place);
}

void refuses_what_aten_refuses(const Subject& subject) {
  Specimen plugin(subject);
  plugin.begin();
  const Replacements replacements = replacements_of(plugin);
  const std::vector<Driven> all = driven(replacements, subject);
  std::vector<std::vector<Asked>> odd;
  for (const Driven& one : all) odd.push_back(odd_calls_for(one));
  const Registered registered(replacements);
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const Asked& asked : odd[i]) check(all[i], asked);
    for (const Call& call : all[i].calls)
      compare(*all[i].replacement, call, calling(text_of(*all[i].replacement), [&] { return run(all[i].op, call); }),
              format("{} ({}), after calls that were refused", text_of(*all[i].replacement), call.text));
  }
  skip_where_obstructed(all);
}

constexpr Question kOpPackFailuresQuestions[] = {
    {"op_pack/refuses_what_aten_refuses", "Tensors of another shape, format or layout are computed as ATen does, or refused with words as ATen does", "op_pack",
     Scope::kPlugin, answer<refuses_what_aten_refuses>},
};

}  // namespace

std::span<const Question> op_pack_failure_questions() { return kOpPackFailuresQuestions; }

}  // namespace trainhost::conformance
