// From the declarations of op packs to registrations: all checks first, then the dispatcher.
#include "engine/op_packs.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/DispatchKey.h>
#include <c10/util/Exception.h>

#include <trainhost/torch/op_pack.h>

#include "base/nearest.h"
#include "engine/failures.h"
#include "engine/precision.h"

namespace trainhost {
namespace {

using Pack = OpPackSetup::Pack;

// A kernel that one pack wants to replace. The pack owns the declaration.
struct Claim {
  const Pack* pack;
  const t2::OpReplacement* replacement;
  c10::DispatchKey key;
  size_t rank;  // place of the pack in the config's order; 0: it has none

  std::string op() const { return replacement->overload.empty() ? replacement->op : replacement->op + "." + replacement->overload; }
  std::string kernel() const { return format("{} on {}", op(), replacement->dispatch_key); }
};

Error refuse(const Claim& claim, const std::string& words) { return Error(ExitCode::kPlugin, format("{}: {}: {}", claim.pack->name, claim.kernel(), words)); }

// ---- the checks of one claim

void check_operator(const Claim& claim) {
  c10::Dispatcher& dispatcher = c10::Dispatcher::singleton();
  if (dispatcher.findSchema({claim.replacement->op, claim.replacement->overload})) return;
  std::vector<std::string> ops, overloads;
  for (const c10::OperatorName& name : dispatcher.getAllOpNames()) {
    ops.push_back(name.name);
    if (name.name == claim.replacement->op) overloads.push_back(name.overload_name);
  }
  if (overloads.empty()) {
    const auto near = nearest(claim.replacement->op, ops);
    throw refuse(claim, format("LibTorch has no operator \"{}\"{}; write it as in native_functions.yaml, with its namespace", claim.replacement->op,
                               near ? format("; did you mean \"{}\"?", *near) : ""));
  }
  std::sort(overloads.begin(), overloads.end());
  std::string all;
  for (const std::string& overload : overloads) all += format("{}\"{}\"", all.empty() ? "" : ", ", overload);
  throw refuse(claim, format("the operator has no overload \"{}\"; it has: {}", claim.replacement->overload, all));
}

c10::DispatchKey parse_key(const Claim& claim) {
  c10::DispatchKey key = c10::DispatchKey::Undefined;
  try {
    key = c10::parseDispatchKey(claim.replacement->dispatch_key);
  } catch (const c10::Error&) {  // says no more than that there is none
  }
  if (key != c10::DispatchKey::Undefined) return key;
  const std::vector<std::string> usual = {"CPU", "CUDA", "AutogradCPU", "AutogradCUDA", "AutocastCPU", "AutocastCUDA"};
  throw refuse(claim, format("LibTorch has no dispatch key \"{}\"{}", claim.replacement->dispatch_key, did_you_mean(claim.replacement->dispatch_key, usual)));
}

void check_strict(const Claim& claim) {
  if (claim.replacement->is_bit_exact) return;
  throw Error(ExitCode::kConfig,
              format("{}: {} is not declared bit-exact, but the precision plan is strict: deterministic, nothing below full precision; leave the "
                     "pack out, or choose a precision policy that is not strict",
                     claim.pack->name, claim.kernel()));
}

// ---- claims against each other

size_t rank_of(const Pack& pack, const std::vector<std::string>& order) {
  const auto found = std::find_if(order.begin(), order.end(), [&](const std::string& name) { return pack.name == name || pack.name.ends_with("/" + name); });
  return found == order.end() ? 0 : static_cast<size_t>(found - order.begin()) + 1;
}

// The claim that stays of two on one kernel.
const Claim& settle(const Claim& first, const Claim& second) {
  if (first.pack == second.pack) throw refuse(first, "the pack replaces it twice; it must declare each kernel once");
  if (first.rank == 0 || second.rank == 0)
    throw Error(ExitCode::kConfig, format("{} and {} both replace {}; leave one out, or name both in op_pack.order, where the later one wins", first.pack->name,
                                          second.pack->name, first.kernel()));
  return first.rank < second.rank ? second : first;
}

std::vector<Claim> settled(const std::vector<Claim>& claims) {
  std::map<std::tuple<std::string, c10::DispatchKey>, size_t> places;
  std::vector<Claim> out;
  for (const Claim& claim : claims) {
    const auto [place, is_first] = places.emplace(std::make_tuple(claim.op(), claim.key), out.size());
    if (is_first)
      out.push_back(claim);
    else
      out[place->second] = settle(out[place->second], claim);
  }
  return out;
}

std::vector<Claim> claims_of(const Pack& pack, const OpPackSetup& setup, bool is_plan_strict) {
  auto* object = static_cast<t2::OpPack*>(const_cast<void*>(pack.pack));
  std::span<const t2::OpReplacement> replacements;
  {
    const MeteredCall call(setup.meter, pack.account, "replacements");
    replacements = object->replacements();
  }
  std::vector<Claim> claims;
  for (const t2::OpReplacement& replacement : replacements) {
    Claim claim{&pack, &replacement, c10::DispatchKey::Undefined, rank_of(pack, setup.order)};
    check_operator(claim);
    claim.key = parse_key(claim);
    if (!replacement.kernel.isValid()) throw refuse(claim, "the declaration has no kernel; make one with trainhost::t2::replacement<&function>()");
    if (is_plan_strict) check_strict(claim);
    claims.push_back(claim);
  }
  return claims;
}

// ---- the dispatcher

// LibTorch warns when a kernel takes the place of another; here that is the purpose.
class NoWarnings final : public c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

class Registrations final : public RegisteredOps {
 public:
  ~Registrations() override {
    while (!handles_.empty()) handles_.pop_back();
  }

  void add(const Claim& claim) {
    NoWarnings quiet;
    const c10::WarningUtils::WarningHandlerGuard guard(&quiet);
    const t2::OpReplacement& replacement = *claim.replacement;
    handles_.push_back(c10::Dispatcher::singleton().registerImpl({replacement.op, replacement.overload}, claim.key, replacement.kernel, replacement.signature,
                                                                 /*inferred_function_schema=*/nullptr, claim.pack->name));
    descriptions_.push_back(format("{}: {}{}", claim.pack->name, claim.kernel(), replacement.is_bit_exact ? ", bit-exact" : ""));
  }

  const std::vector<std::string>& descriptions() const override { return descriptions_; }

 private:
  std::vector<c10::RegistrationHandleRAII> handles_;
  std::vector<std::string> descriptions_;
};

std::vector<Claim> claims_of(const OpPackSetup& setup, bool is_plan_strict, Device& device) {
  std::vector<Claim> claims;
  for (const Pack& pack : setup.packs) {
    const auto more = translated(device, pack.name + ", replacements", [&] { return claims_of(pack, setup, is_plan_strict); });
    claims.insert(claims.end(), more.begin(), more.end());
  }
  return claims;
}

}  // namespace

std::vector<ReplacedKernel> replaced_kernels(const OpPackSetup& setup, Device& device) {
  std::vector<ReplacedKernel> kernels;
  for (const Claim& claim : claims_of(setup, /*is_plan_strict=*/false, device)) {
    const t2::OpReplacement& replacement = *claim.replacement;
    kernels.push_back({claim.pack->name, replacement.op, replacement.overload, replacement.dispatch_key, replacement.is_bit_exact});
  }
  return kernels;
}

std::unique_ptr<RegisteredOps> register_op_packs(const OpPackSetup& setup, const trainhost_precision_plan& plan, Device& device) {
  const std::vector<Claim> claims = claims_of(setup, is_strict(plan), device);
  auto registered = std::make_unique<Registrations>();
  for (const Claim& claim : settled(claims)) translated(device, format("{}: {}", claim.pack->name, claim.kernel()), [&] { registered->add(claim); });
  return registered;
}

}  // namespace trainhost
