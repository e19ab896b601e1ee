// The model plugin `pt2`: trains a model that was exported from PyTorch, without Python.
#include <torch/headeronly/version.h>

#include <optional>

#include <trainhost/plugin.hpp>
#include <trainhost/torch/model.h>

#include <c10/util/Exception.h>

#include "errors.h"
#include "info.h"
#include "module.h"
#include "parity.h"

namespace {

namespace t2 = trainhost::t2;

struct Config {
  std::string bundle;
};

// What LibTorch throws carries a backtrace; people get the words.
template <class Body>
std::string answered(Body&& body) {
  try {
    return body();
  } catch (const c10::OutOfMemoryError& error) {
    throw trainhost::PluginError(TRAINHOST_RESOURCE_EXHAUSTED, error.what_without_backtrace());
  } catch (const c10::Error& error) {
    throw trainhost::PluginError(TRAINHOST_INTERNAL, std::string("pt2: ") + error.what_without_backtrace());
  }
}

class Pt2 final : public t2::Model, public t2::ModelFile, public t2::Recomputable, public t2::CaptureAware, public t2::ValueLimits {
 public:
  explicit Pt2(Config config) : config_(std::move(config)) {}

  void build(const t2::ModelFacts& facts) override {
    bundle_.emplace(config_.bundle);
    check_dtypes(facts.default_dtype);
    fields_.emplace(bundle_->manifest(), facts.fields);
    say_version(bundle_->manifest().torch_version);
    module_.emplace(*bundle_, facts.device, facts.seed, recomputes_);
  }

  void recompute_blocks() override { recomputes_ = true; }
  void capture_begin() override {
    const auto& segments = module_->program(t2::Mode::kTrain).plan.segments;
    if (std::any_of(segments.begin(), segments.end(), [](const pt2::Segment& segment) { return segment.draws; }))
      throw pt2::refuse("blocks that draw random numbers and are computed again draw anew in a recording; set model.recompute to \"none\", or export the model without dropout");
  }
  void capture_end() override {}

  std::span<t2::Parameter> parameters() override { return module_->parameters(); }
  std::span<t2::NamedTensor> buffers() override { return module_->mutated_buffers(); }

  t2::Output forward(const t2::Batch& batch, t2::Mode mode) override { return module_->forward(fields_->take(batch), mode); }

  std::vector<t2::ValueLimit> value_limits() const override { return fields_->limits(); }

  // A run goes on with the bundle that it began with, wherever that lies now.
  void save(trainhost::StateWriter& out) const override { out.put(bundle_ ? bundle_->digest() : pt2::Bundle(config_.bundle).digest()); }
  void load(trainhost::StateReader& in) override {
    std::string began_with;
    in.get(began_with);
    if (began_with.size() != 64 || began_with.find_first_not_of("0123456789abcdef") != std::string::npos)
      throw trainhost::PluginError(TRAINHOST_DATA_LOSS, "pt2: state: holds no digest of a bundle");
    const std::string got = pt2::Bundle(config_.bundle).digest();
    if (got != began_with)
      throw trainhost::PluginError(TRAINHOST_FAILED_PRECONDITION,
                                   trainhost::format("pt2: {}: is another bundle than the run began with: its manifest has the SHA-256 {}, that one had {}; put that bundle "
                                                     "back, or start a new run",
                                                     config_.bundle, got, began_with));
  }

  std::string info() override {
    return answered([&] {
      pt2::Bundle bundle(config_.bundle);
      return pt2::describe(bundle).json();
    });
  }

  std::string check(const std::string& device) override {
    return answered([&] {
      pt2::Bundle bundle(config_.bundle);
      return pt2::check_parity(bundle, at::Device(device)).json();
    });
  }

 private:
  // What stands behind + is about CUDA, and no matter for a program.
  void say_version(const std::string& exporter) const {
    if (exporter.substr(0, exporter.find('+')) != TORCH_VERSION)
      host().log_info("{}: was exported by PyTorch {}, this is {}; `trainhost model check` tells whether it computes the same", config_.bundle, exporter, TORCH_VERSION);
  }

  void check_dtypes(at::ScalarType wanted) const {
    for (const pt2::TensorFacts& parameter : bundle_->manifest().parameters)
      if (!parameter.is_frozen && parameter.dtype != wanted)
        throw pt2::refuse(trainhost::format("{}: parameter \"{}\" is {}, the precision policy trains {}; export the model in {}, and choose the format that it computes in by the policy",
                                            config_.bundle, parameter.name, pt2::dtype_name(parameter.dtype), pt2::dtype_name(wanted), pt2::dtype_name(wanted)));
  }

  Config config_;
  bool recomputes_ = false;
  std::optional<pt2::Bundle> bundle_;
  std::optional<pt2::Fields> fields_;
  std::optional<pt2::Module> module_;
};

}  // namespace

TRAINHOST_PLUGIN(Pt2, {
  .kind = "model",
  .name = "pt2",
  .version = "1.0.0",
  .summary = "a model that was exported from PyTorch",
  .schemes = {"thm"},
  .schema = trainhost::schema<Config>().key("bundle", &Config::bundle, "the file that `python -m trainhost_export` wrote", trainhost::no_trajectory).required("bundle"),
})
