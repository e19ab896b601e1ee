// What is asked of op packs: each kernel against the one that it replaces, forward and backward, and that nothing stays.
#include <algorithm>
#include <set>

#include "conformance/torch/op_calls.h"
#include "conformance/torch/torch_questions.h"

namespace trainhost::conformance {
namespace {

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

// Random numbers come from the generator that the caller gives, else from the device's: a run that is resumed draws the same ones again.
void check_random_call(const Driven& one, const Call& call, const Result& got, const std::string& place) {
  require(is_finite(got), "{} gives numbers that are not finite", place);
  require(same_bits(got, run(one.op, call)),
          "{} gives other random numbers from the same seed; draw from the generator that it is given, else from the device's", place);
  bool is_moved = false;
  for (std::uint64_t seed = 2; seed < 12 && !is_moved; ++seed) is_moved = !same_bits(got, run(one.op, call, seed));
  require(is_moved, "{} gives the same random numbers from every seed; draw from the generator that it is given, else from the device's", place);
}

void check_call(const Driven& one, const Call& call) {
  const std::string place = format("{} ({})", text_of(*one.replacement), call.text);
  const Result got = calling(text_of(*one.replacement), [&] { return run(one.op, call); });
  compare(*one.replacement, call, got, place);
  if (call.is_random) check_random_call(one, call, got, place);
}

void kernels_match_aten(const Subject& subject) {
  Specimen plugin(subject);
  plugin.begin();
  const Replacements replacements = replacements_of(plugin);
  const std::vector<Driven> all = driven(replacements, subject);
  const Registered registered(replacements);
  for (const Driven& one : all) {
    for (const Call& call : one.calls) check_call(one, call);
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
      for (const Call& call : one.calls) calling(text_of(*one.replacement), [&] { return run(one.op, call); });
  }
  require_as_before(before);
  for (const Driven& one : all)
    for (const Call& call : one.calls)
      require(same_bits(call.own, run(one.op, call)), "{}: after its registration was taken back, {} ({}) does not compute as before",
              text_of(*one.replacement), op_of(*one.replacement), call.text);
  skip_where_obstructed(all);
}

constexpr Question kOpPackQuestions[] = {
    {"op_pack/replacements_fit", "Every replacement fits an operator and a dispatch key, and replacements() answers the same each time", "op_pack",
     Scope::kPlugin, answer<replacements_fit_and_stay>},
    {"op_pack/matches_aten", "Results and gradients are those of the kernels that are replaced", "op_pack", Scope::kPlugin, answer<kernels_match_aten>},
    {"op_pack/gone_when_taken_back", "Nothing of the pack stays when its registrations are taken back", "op_pack", Scope::kPlugin, answer<kernels_are_gone>},
};

}  // namespace

std::span<const Question> op_pack_questions() { return kOpPackQuestions; }

}  // namespace trainhost::conformance
