// What one call into a plugin that links LibTorch costs: metered, as the engine calls; as a virtual call; and as a plain call of the very same function. Of an
// op pack the way through LibTorch's dispatcher to its kernel, and to ATen's own. Prints one JSON line each; usage: boundary_torch_calls FILE (idle_torch.so)
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>

#include <memory>

#include "base/call_meter.h"
#include "bench/plugins/idle_torch.h"
#include "bench/timing.h"
#include "ledger/ledger.h"
#include "plugin/instance.h"
#include "trainhost/torch/model.h"

namespace trainhost {
namespace {

class Bench {
 public:
  explicit Bench(const std::filesystem::path& file) {
    for (const PluginRecord& record : read_plugin_file(file)) instances_.push_back(Instance::create(record, "{}", {.meter = &ledger_}));
  }

  void run() {
    model();
    optimizer();
    op_pack();
  }

 private:
  template <class Kind>
  Kind& object() {
    for (const auto& instance : instances_)
      if (const void* found = instance->handle()->get_interface(instance->handle(), Kind::kInterface)) return *static_cast<Kind*>(const_cast<void*>(found));
    throw std::runtime_error(std::string("no plugin of the file has ") + Kind::kInterface);
  }

  template <class Bare, class Virtual>
  void compare(const std::string& kind, const char* function, const Bare& bare, const Virtual& as_virtual) {
    const uint32_t account = ledger_.open_account(kind + "/bench");
    const std::vector<double> bare_ns = measure(bare);
    const double peer_ns = bare_ns[bare_ns.size() / 2];
    print(kind, function, "bare C++ call", bare_ns, peer_ns);
    print(kind, function, "virtual call", measure(as_virtual), peer_ns);
    const auto metered = [&] {
      const MeteredCall call(&ledger_, account, function);
      as_virtual();
    };
    print(kind, function, "metered, as the engine calls", measure(metered), peer_ns);
  }

  void model() {
    auto& model = object<t2::Model>();
    model.build({{}, at::Device(at::kCPU), at::kFloat, 1});
    const t2::Output ready{at::zeros({}), at::zeros({}), {}};
    const t2::Batch batch;
    compare(
        "model", "forward", [&] { (void)idle::forward(ready); }, [&] { (void)model.forward(batch, t2::Mode::kTrain); });
  }

  void optimizer() {
    auto& optimizer = object<t2::Optimizer>();
    const t2::StepInputs inputs{at::zeros({}), at::zeros({}), at::zeros({}), at::zeros({})};
    compare(
        "optimizer", "step", [&] { idle::step(inputs); }, [&] { optimizer.step(inputs); });
  }

  // In inference mode, so that the way leads to the kernel and not through autograd.
  void op_pack() {
    const c10::InferenceMode no_autograd;
    const at::Tensor x = at::zeros({1});
    const std::vector<double> bare_ns = measure([&] { (void)idle::relu(x); });
    const double peer_ns = bare_ns[bare_ns.size() / 2];
    const auto dispatched = [&] { (void)at::relu(x); };
    print("op_pack", "relu", "bare C++ call", bare_ns, peer_ns);
    print("op_pack", "relu", "dispatcher, ATen's own kernel", measure(dispatched), peer_ns);
    const t2::OpReplacement& replacement = object<t2::OpPack>().replacements()[0];
    const auto registration = c10::Dispatcher::singleton().registerImpl({replacement.op, replacement.overload}, c10::parseDispatchKey(replacement.dispatch_key),
                                                                        replacement.kernel, replacement.signature, nullptr, "op_pack/idle_pack");
    print("op_pack", "relu", "dispatcher, the pack's kernel", measure(dispatched), peer_ns);
  }

  Ledger ledger_{{}};
  std::vector<std::unique_ptr<Instance>> instances_;
};

}  // namespace
}  // namespace trainhost

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::runtime_error("usage: boundary_torch_calls FILE (of the idle plugins)");
    trainhost::Bench(argv[1]).run();
    return 0;
  } catch (const std::exception& failure) {
    std::cerr << "boundary_torch_calls: " << failure.what() << "\n";
    return 1;
  }
}
