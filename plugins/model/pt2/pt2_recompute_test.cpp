// Blocks that are computed again in the backward pass: the same bits, less memory, refusals.
#include <ATen/ops/rand.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <trainhost/torch/recompute.h>

#include "testing/fixture.h"

using namespace pt2_testing;

namespace {

std::string recompute_bundle(const std::string& name) { return written(name, "gpt gpt_without_dropout convolutions fixed layered enclosed chain deep"); }

struct Job {
  const char* name;
  std::vector<Field> fields;
  t2::Batch batch;
};

t2::Batch pictures() { return {{{"image", at::rand({4, 3, 8, 8})}, {"label", at::randint(4, {4}, at::kLong)}}, 4}; }
t2::Batch rows(int64_t width, int64_t length) { return {{{"x", at::rand({4, length, width})}, {"y", at::randint(4, {4}, at::kLong)}}, 4}; }

std::vector<Field> row_fields() { return {{"x", TRAINHOST_FIELD_INPUT, trainhost::kFloat32, {-1, 16}, {8, 16}, 0, 0}, {"y", TRAINHOST_FIELD_TARGET, trainhost::kInt64, {}, {}, 4, 0}}; }
std::vector<Field> picture_fields() {
  return {{"image", TRAINHOST_FIELD_INPUT, trainhost::kFloat32, {3, 8, 8}, {}, 0, 0}, {"label", TRAINHOST_FIELD_TARGET, trainhost::kInt64, {}, {}, 4, -100}};
}

struct Trained {
  float loss = 0;
  std::vector<std::pair<std::string, at::Tensor>> tensors;  // gradients, and buffers afterwards
  int64_t held = 0, most = 0;                               // bytes after forward, and at most
};

// What this thread takes, as LibTorch's allocator reports it.
struct Meter final : c10::MemoryReportingInfoBase {
  int64_t held = 0, most = 0;
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device) override { most = std::max(most, held += bytes); }
  bool memoryProfilingEnabled() const override { return true; }
};

Trained train(const Job& job, bool recomputes) {
  Pt2 net(recompute_bundle(job.name));
  if (recomputes) const_cast<t2::Recomputable&>(net.plugin.table<t2::Recomputable>(t2::Recomputable::kInterface)).recompute_blocks();
  net.build(job.fields);
  for (t2::Parameter& parameter : net.model().parameters()) parameter.compute.requires_grad_(parameter.is_trainable);
  at::manual_seed(11);
  Trained trained;
  const auto meter = std::make_shared<Meter>();
  {
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
    const t2::Output output = net.model().forward(job.batch, t2::Mode::kTrain);
    trained.held = meter->held;
    output.loss_sum.backward();
    trained.loss = output.loss_sum.item<float>();
  }
  trained.most = meter->most;
  for (t2::Parameter& parameter : net.model().parameters()) trained.tensors.emplace_back(parameter.name, parameter.compute.grad());
  for (t2::NamedTensor& buffer : net.model().buffers()) trained.tensors.emplace_back(buffer.name, buffer.tensor);
  return trained;
}

void require_same(const Trained& got, const Trained& wanted) {
  BOOST_TEST(got.loss == wanted.loss);
  BOOST_REQUIRE(got.tensors.size() == wanted.tensors.size());
  for (size_t i = 0; i < got.tensors.size(); ++i) {
    const auto& [name, tensor] = got.tensors[i];
    BOOST_TEST(tensor.defined() == wanted.tensors[i].second.defined(), name);
    if (tensor.defined()) BOOST_TEST(tensor.equal(wanted.tensors[i].second), name);
  }
}

void autocast(bool is_on) {
  at::autocast::set_autocast_enabled(at::kCPU, is_on);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  at::autocast::clear_cache();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pt2_recompute_test)

BOOST_AUTO_TEST_CASE(blocks_that_are_computed_again_give_the_same_bits) {
  const std::vector<Job> jobs = {{"gpt", {tokens(), targets()}, text(3, 9)},
                                 {"gpt_without_dropout", {tokens(), targets()}, text(3, 16)},
                                 {"convolutions", picture_fields(), pictures()},
                                 {"layered", row_fields(), rows(16, 6)},
                                 {"enclosed", row_fields(), rows(16, 6)}};
  for (const Job& job : jobs)
    BOOST_TEST_CONTEXT(job.name) {
      require_same(train(job, true), train(job, false));
      autocast(true);
      const Trained again = train(job, true), kept = train(job, false);
      autocast(false);
      require_same(again, kept);
    }
}

BOOST_AUTO_TEST_CASE(they_take_less_memory) {
  const Job job{"deep", {tokens(), targets()}, text(8, 16)};
  const Trained kept = train(job, false), again = train(job, true);
  BOOST_TEST_MESSAGE("after forward " << kept.held << " and " << again.held << " bytes, at most " << kept.most << " and " << again.most);
  require_same(again, kept);
  BOOST_TEST(5 * again.held < kept.held);  // one activation of 16 kB a block instead of eighteen, and those outside of blocks
  BOOST_TEST(2 * again.most < kept.most);
}

BOOST_AUTO_TEST_CASE(models_that_cannot_compute_blocks_again_say_why) {
  const auto refused = [](const char* name, const std::vector<Field>& fields) { return complaint([&] { train({name, fields, {}}, true); }); };
  require_words(refused("fixed", {x(), y()}), {"fixed.thm", "recompute = \"blocks\"", "no blocks", "h.0 and h.1"});
  require_words(refused("chain", {{"x", TRAINHOST_FIELD_INPUT, trainhost::kFloat32, {4}, {}, 0, 0}, {"y", TRAINHOST_FIELD_TARGET, trainhost::kFloat32, {4}, {}, 0, 0}}),
                {"block layers.0 cannot be computed again", "relu_", "models.py:", "changes in place"});
}

BOOST_AUTO_TEST_SUITE_END()
