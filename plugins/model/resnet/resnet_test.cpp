// The resnet plugin through its file: torchvision's names, losses, gradients and running statistics; refusals.
#include <boost/test/unit_test.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <algorithm>

#include <trainhost/testing.hpp>
#include <trainhost/testing/python_oracle.hpp>
#include <trainhost/torch/model.h>

namespace t2 = trainhost::t2;
using trainhost::Field;
using trainhost::PluginError;

namespace {

std::vector<Field> fields(int64_t size = 16, int64_t classes = 10) {
  return {{"image", TRAINHOST_FIELD_INPUT, trainhost::kFloat32, {3, size, size}, {}, 0, 0}, {"label", TRAINHOST_FIELD_TARGET, trainhost::kInt64, {}, {}, classes, -1}};
}

struct Resnet {
  trainhost::testing::PluginUnderTest plugin;
  explicit Resnet(const std::string& config = R"({"stem": "small"})", const std::vector<Field>& all = fields(), uint64_t seed = 3) {
    plugin.create(config.c_str()).start();
    model().build({all, at::Device(at::kCPU), at::kFloat, seed});
    for (t2::Parameter& parameter : model().parameters()) parameter.compute.requires_grad_(true);
  }
  t2::Model& model() { return const_cast<t2::Model&>(plugin.table<t2::Model>(t2::Model::kInterface)); }
  t2::Output forward(const at::Tensor& image, const at::Tensor& label, t2::Mode mode) {
    return model().forward({{{"image", image}, {"label", label}}, static_cast<uint64_t>(image.size(0))}, mode);
  }
};

at::Tensor metric(const t2::Output& output, const std::string& name) {
  const auto found = std::find_if(output.metric_sums.begin(), output.metric_sums.end(), [&](const t2::NamedTensor& one) { return one.name == name; });
  BOOST_REQUIRE_MESSAGE(found != output.metric_sums.end(), "no metric " << name);
  return found->tensor.to(at::kLong);
}

auto says(std::string words) {
  return [words](const PluginError& error) { return error.status == TRAINHOST_INVALID_ARGUMENT && error.message.find(words) != std::string::npos; };
}

void compare_with_torchvision(int depth, const char* stem, int64_t size) {
  Resnet resnet(trainhost::format(R"({{"depth": {}, "stem": "{}"}})", depth, stem), fields(size));
  std::vector<t2::NamedTensor> start, seen;
  for (const t2::Parameter& parameter : resnet.model().parameters()) start.push_back({parameter.name, parameter.compute.detach().clone()});
  for (const t2::NamedTensor& buffer : resnet.model().buffers()) start.push_back({buffer.name, buffer.tensor.clone()});
  const at::Tensor image = at::randn({6, 3, size, size});
  at::Tensor label = at::randint(0, 10, {6}, at::kLong);
  label[2].fill_(-1);
  const t2::Output trained = resnet.forward(image, label, t2::Mode::kTrain);
  trained.loss_sum.backward();
  seen = {{"image", image}, {"label", label}, {"loss", trained.loss_sum}};
  for (const t2::Parameter& parameter : resnet.model().parameters()) seen.push_back({"gradient." + parameter.name, parameter.compute.grad()});
  for (const t2::NamedTensor& buffer : resnet.model().buffers()) seen.push_back({"buffer." + buffer.name, buffer.tensor.clone()});
  const at::NoGradGuard no_gradients;
  const t2::Output evaluated = resnet.forward(image, label, t2::Mode::kEvaluate);
  seen.insert(seen.end(), {{"evaluation_loss", evaluated.loss_sum}, {"accuracy", metric(evaluated, "accuracy")}, {"top5", metric(evaluated, "top5_accuracy")}});
  BOOST_TEST(evaluated.count.item<int64_t>() == 5);

  const trainhost::testing::OracleFolder folder;
  folder.write("settings.json", trainhost::format(R"({{"depth": {}, "stem": "{}", "classes": 10}})", depth, stem));
  folder.write("start.safetensors", start);
  folder.write("seen.safetensors", seen);
  const std::vector<double> off = folder.ask("plugins/model/resnet/testing/torchvision_resnet.py");
  BOOST_REQUIRE(off.size() == 5u);
  BOOST_TEST_MESSAGE("loss " << off[0] << ", gradient " << off[1] << ", buffer " << off[2]);
  for (size_t i = 0; i < 3; ++i) BOOST_TEST(off[i] < 1e-5);
  BOOST_TEST(off[3] == 0);
  BOOST_TEST(off[4] == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(resnet_test)

BOOST_AUTO_TEST_CASE(resnet18_has_the_losses_gradients_and_statistics_of_torchvision) { compare_with_torchvision(18, "large", 64); }
BOOST_AUTO_TEST_CASE(a_small_stem_and_34_layers_too) { compare_with_torchvision(34, "small", 16); }
BOOST_AUTO_TEST_CASE(bottlenecks_too) { compare_with_torchvision(50, "large", 64); }

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_weights) {
  Resnet a, b, c(R"({"stem": "small"})", fields(), 4);
  BOOST_TEST(a.model().parameters()[0].compute.equal(b.model().parameters()[0].compute));
  BOOST_TEST(!a.model().parameters()[0].compute.equal(c.model().parameters()[0].compute));
}

BOOST_AUTO_TEST_CASE(confusion_counts_each_pair_once) {
  Resnet resnet(R"({"stem": "small", "confusion": true})", fields(16, 3));
  const at::NoGradGuard no_gradients;
  const at::Tensor image = at::randn({40, 3, 16, 16});
  at::Tensor label = at::randint(0, 3, {40}, at::kLong);
  label[7].fill_(-1);
  const t2::Output whole = resnet.forward(image, label, t2::Mode::kEvaluate);
  BOOST_TEST(whole.metric_sums.size() == 10u);  // accuracy, 3 x 3 pairs; of three classes no top5
  int64_t diagonal = 0, all = 0;
  for (int t = 0; t < 3; ++t) {
    int64_t row = 0;
    for (int p = 0; p < 3; ++p) {
      const std::string name = trainhost::format("confusion_{}_{}", t, p);
      int64_t pieces = 0;  // any cut of the samples gives the same sums
      for (const auto& [begin, end] : {std::pair{0, 1}, std::pair{1, 17}, std::pair{17, 40}})
        pieces += metric(resnet.forward(image.slice(0, begin, end), label.slice(0, begin, end), t2::Mode::kEvaluate), name).item<int64_t>();
      BOOST_TEST(pieces == metric(whole, name).item<int64_t>());
      row += pieces, diagonal += t == p ? pieces : 0;
    }
    BOOST_TEST(row == label.eq(t).sum().item<int64_t>());
    all += row;
  }
  BOOST_TEST(all == 39);
  BOOST_TEST(diagonal == metric(whole, "accuracy").item<int64_t>());
}

BOOST_AUTO_TEST_CASE(data_that_does_not_fit_is_refused) {
  BOOST_CHECK_EXCEPTION(Resnet(R"({"depth": 20})"), PluginError, says("depth must be 18, 34 or 50, got 20"));
  BOOST_CHECK_EXCEPTION(Resnet("{}", {fields()[0]}), PluginError, says("no field \"label\", only: image"));
  BOOST_CHECK_EXCEPTION(Resnet("{}", fields(16, 0)), PluginError, says("one class a sample, of at least 2"));
  BOOST_CHECK_EXCEPTION(Resnet(R"({"confusion": true})", fields(16, 100)), PluginError, says("pairs of at most 32 classes, the data has 100"));
  auto bytes = fields();
  bytes[0].dtype = trainhost::kUInt8;
  BOOST_CHECK_EXCEPTION(Resnet("{}", bytes), PluginError, says("must hold real numbers"));
}

BOOST_AUTO_TEST_CASE(one_value_a_channel_has_no_variance) {
  Resnet resnet(R"({"stem": "large"})");
  BOOST_CHECK_EXCEPTION(resnet.forward(at::randn({1, 3, 16, 16}), at::randint(0, 10, {1}, at::kLong), t2::Mode::kTrain), PluginError, says("no variance to normalise by"));
}

BOOST_AUTO_TEST_SUITE_END()
