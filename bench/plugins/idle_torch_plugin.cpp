// The idle functions as a model, an optimizer and an op pack.
#include <ATen/ops/zeros.h>

#include <trainhost/torch/model.h>
#include <trainhost/plugin.hpp>

#include "idle_torch.h"

namespace {

namespace t2 = trainhost::t2;

struct Config {};

class IdleModel final : public t2::Model {
 public:
  explicit IdleModel(Config) {}
  void build(const t2::ModelFacts&) override { ready_ = {at::zeros({}), at::zeros({}), {}}; }
  std::span<t2::Parameter> parameters() override { return {}; }
  std::span<t2::NamedTensor> buffers() override { return {}; }
  t2::Output forward(const t2::Batch&, t2::Mode) override { return trainhost::idle::forward(ready_); }

 private:
  t2::Output ready_;
};

class IdleOptimizer final : public t2::Optimizer {
 public:
  explicit IdleOptimizer(Config) {}
  double learning_rate() const override { return 1; }
  void attach(std::span<t2::ParameterGroup>) override {}
  std::span<t2::NamedTensor> state() override { return {}; }
  void step(const t2::StepInputs& inputs) override { trainhost::idle::step(inputs); }
};

class IdlePack final : public t2::OpPack {
 public:
  explicit IdlePack(Config) {}
  std::span<const t2::OpReplacement> replacements() override { return replacements_; }

 private:
  std::vector<t2::OpReplacement> replacements_ = {t2::replacement<&trainhost::idle::relu>("aten::relu", "", "CPU")};
};

}  // namespace

TRAINHOST_DEFINE(IdleModel,
                 {.kind = "model", .name = "idle_model", .version = "1.0.0", .summary = "does nothing, for the bench", .schema = trainhost::schema<Config>()})
TRAINHOST_DEFINE(
    IdleOptimizer,
    {.kind = "optimizer", .name = "idle_optimizer", .version = "1.0.0", .summary = "does nothing, for the bench", .schema = trainhost::schema<Config>()})
TRAINHOST_DEFINE(IdlePack,
                 {.kind = "op_pack", .name = "idle_pack", .version = "1.0.0", .summary = "does nothing, for the bench", .schema = trainhost::schema<Config>()})
TRAINHOST_PLUGINS(IdleModel, IdleOptimizer, IdlePack)
