// The pack: which of its kernels take the place of ATen's on this machine.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <ATen/Context.h>

#include <trainhost/plugin.hpp>
#include <trainhost/torch/op_pack.h>

#if TRAINHOST_CUDA
#include "cross_entropy.h"
#include "layer_norm.h"
#include "linear.h"
#endif

namespace {

namespace t2 = trainhost::t2;

struct Config {
  std::vector<std::string> disable;
  bool layer_norm_float32 = false;
};

constexpr std::array<std::string_view, 3> kNames = {"cross_entropy", "layer_norm", "linear"};

class FusedOps final : public t2::OpPack {
 public:
  explicit FusedOps(Config config) : config_(std::move(config)) {
    for (const std::string& name : config_.disable)
      if (std::find(kNames.begin(), kNames.end(), name) == kNames.end())
        throw trainhost::PluginError(TRAINHOST_INVALID_ARGUMENT,
                                     trainhost::format("fusedops.disable: got \"{}\", wanted some of cross_entropy, layer_norm, linear; correct the name", name));
  }

  void start() override {
#if TRAINHOST_CUDA
    if (at::globalContext().hasCUDA()) {
      if (is_enabled("cross_entropy")) add(fusedops::cross_entropy());
      if (is_enabled("layer_norm")) add(fusedops::layer_norm(config_.layer_norm_float32));
      if (is_enabled("linear")) add(fusedops::linear());
      return;
    }
#endif
    host().log_info("no CUDA device: every operator stays that of LibTorch");
  }

  std::span<const t2::OpReplacement> replacements() override { return replacements_; }

 private:
  bool is_enabled(std::string_view name) const { return std::find(config_.disable.begin(), config_.disable.end(), name) == config_.disable.end(); }
  void add(std::vector<t2::OpReplacement> more) { std::move(more.begin(), more.end(), std::back_inserter(replacements_)); }

  Config config_;
  std::vector<t2::OpReplacement> replacements_;
};

}  // namespace

TRAINHOST_PLUGIN(FusedOps, {
  .kind = "op_pack",
  .name = "fusedops",
  .version = "1.0.0",
  .summary = "fused CUDA kernels: cross entropy, layer norm, padded matrix products",
  .schema = trainhost::schema<Config>()
                .key("disable", &Config::disable, "kernels to leave to LibTorch: cross_entropy, layer_norm, linear")
                .key("layer_norm_float32", &Config::layer_norm_float32, "under autocast a layer norm gives float32, as LibTorch's, and not the format of matrix products"),
})
