// A linear model that runs out of memory above so many samples in one pass, or crashes, or writes down what it is given: for the tests of what the loop does then.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <c10/util/Exception.h>

#include <fstream>

#include <trainhost/plugin.hpp>
#include <trainhost/torch/model.h>

namespace {

namespace t2 = trainhost::t2;

struct Config {
  std::uint64_t max_samples = 1;
  std::string crashes_in, write_to;
};

class Greedy final : public t2::Model {
 public:
  explicit Greedy(Config config) : config_(config) {}

  void build(const t2::ModelFacts& facts) override {
    crash_if_in("build");
    at::Generator generator = at::detail::createCPUGenerator(facts.seed);
    const std::int64_t inputs = facts.fields[0].shape[0], classes = facts.fields[1].num_classes;
    const at::Tensor weight = at::empty({classes, inputs}, at::kFloat).normal_(0, 0.1, generator);
    parameters_ = {{"weight", weight.to(facts.device), {}, true, t2::kDecay}};
  }
  std::span<t2::Parameter> parameters() override { return parameters_; }
  std::span<t2::NamedTensor> buffers() override { return {}; }

  t2::Output forward(const t2::Batch& batch, t2::Mode mode) override {
    crash_if_in(mode == t2::Mode::kTrain ? "forward" : "evaluation");
    TORCH_CHECK_WITH(OutOfMemoryError, batch.num_samples <= config_.max_samples, "tried to hold ", batch.num_samples, " samples");
    if (mode == t2::Mode::kTrain && !config_.write_to.empty()) write(batch);
    const at::Tensor &x = batch.fields[0].tensor, &y = batch.fields[1].tensor;
    return {at::cross_entropy_loss(at::linear(x, parameters_[0].compute), y, {}, at::Reduction::Sum, -1), y.ne(-1).sum(), {}};
  }

 private:
  // FOLDER/000003-x.bin: the bytes of a field in the third pass.
  void write(const t2::Batch& batch) {
    ++num_passes_;
    for (const t2::NamedTensor& field : batch.fields) {
      const at::Tensor dense = field.tensor.contiguous();
      std::ofstream(trainhost::format("{}/{:06}-{}.bin", config_.write_to, num_passes_, field.name), std::ios::binary)
          .write(static_cast<const char*>(dense.const_data_ptr()), static_cast<std::streamsize>(dense.nbytes()));
    }
  }

  void crash_if_in(const char* place) const {
    if (config_.crashes_in == place) *reinterpret_cast<volatile int*>(nowhere_) = 1;
  }

  Config config_;
  volatile std::uintptr_t nowhere_ = 16;
  std::uint64_t num_passes_ = 0;
  std::vector<t2::Parameter> parameters_;
};

}  // namespace

TRAINHOST_PLUGIN(Greedy, {
  .kind = "model",
  .name = "greedy",
  .version = "1.0.0",
  .summary = "for tests: a linear model that runs out of memory above max_samples",
  .schema = trainhost::schema<Config>()
                .key("max_samples", &Config::max_samples, "most samples of one pass", trainhost::no_trajectory)
                .key("crashes_in", &Config::crashes_in, "build, forward or evaluation", trainhost::no_trajectory)
                .key("write_to", &Config::write_to, "folder that gets the fields of each pass in training, in numbered files", trainhost::no_trajectory),
})
