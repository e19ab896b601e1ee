// The engine with gpt and adamw against PyTorch eager in Python: same weights, same batches, same losses.
#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "engine/testing/harness.h"

using namespace trainhost;
using namespace trainhost::engine_testing;

namespace {

constexpr int64_t kMicroBatches = 2, kSamples = 4, kLength = 16, kClasses = 50;

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "trainhost_eager_XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

void write_safetensors(const std::filesystem::path& path, const std::vector<TensorView>& views) {
  std::string header = "{";
  uint64_t offset = 0;
  for (const TensorView& view : views) {
    std::string shape;
    for (const int64_t axis : view.shape) shape += (shape.empty() ? "" : ",") + std::to_string(axis);
    header += format("{}\"{}\":{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", offset ? "," : "", view.name, view.dtype, shape, offset, offset + view.bytes);
    offset += view.bytes;
  }
  header += "}";
  std::ofstream out(path, std::ios::binary);
  const uint64_t size = header.size();
  out.write(reinterpret_cast<const char*>(&size), sizeof size).write(header.data(), static_cast<std::streamsize>(size));
  for (const TensorView& view : views) out.write(reinterpret_cast<const char*>(view.data), static_cast<std::streamsize>(view.bytes));
}

template <class T>
TensorView view_of(const std::string& name, const std::string& dtype, std::vector<int64_t> shape, const std::vector<T>& values) {
  return {name, dtype, std::move(shape), reinterpret_cast<const std::byte*>(values.data()), values.size() * sizeof(T)};
}

struct Data {
  std::vector<int64_t> tokens, targets;
};

Data random_data(int64_t windows) {
  std::mt19937 random(11);
  Data data;
  for (int64_t i = 0; i < windows * kMicroBatches * kSamples * kLength; ++i) {
    data.tokens.push_back(static_cast<int64_t>(random() % kClasses));
    data.targets.push_back(random() % 5 == 0 ? -1 : (data.tokens.back() * 7 + 3) % kClasses);  // something to learn, with gaps
  }
  return data;
}

void run_window(GptRun& run, const Data& data, int64_t window) {
  constexpr int64_t kPart = kSamples * kLength;
  run.engine->begin_window(static_cast<uint64_t>(window + 1), static_cast<uint64_t>(kMicroBatches * kPart));
  for (int64_t part = 0; part < kMicroBatches; ++part) {
    const auto begin = (window * kMicroBatches + part) * kPart;
    run.accumulate({data.tokens.begin() + begin, data.tokens.begin() + begin + kPart}, {data.targets.begin() + begin, data.targets.begin() + begin + kPart}, kSamples);
  }
  run.engine->apply();
}

struct Distance {
  double loss = 1e9, gradient = 1e9;
};

Distance ask_python(const std::filesystem::path& folder) {
  const std::string command = format("'{}' '{}/host/engine/testing/eager_gpt.py' '{}'", TRAINHOST_PYTHON, TRAINHOST_SOURCE_DIR, folder.string());
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  for (char buffer[256]; pipe && std::fgets(buffer, sizeof buffer, pipe);) output += buffer;
  BOOST_REQUIRE_MESSAGE(pipe && pclose(pipe) == 0, command << " failed");
  Distance distance;
  std::istringstream(output) >> distance.loss >> distance.gradient;
  return distance;
}

Distance distance_to_eager(int64_t windows, const trainhost_precision_plan& plan) {
  const Folder folder;
  const Data data = random_data(windows);
  GptRun run("cpu", R"({"layers": 2, "heads": 2, "width": 32})", R"({"learning_rate": 0.01, "weight_decay": 0.1})", 0.5, plan, kLength, kClasses);
  write_safetensors(folder.path / "start.safetensors", run.engine->snapshot().weights);
  const std::vector<int64_t> shape = {windows, kMicroBatches, kSamples, kLength};
  write_safetensors(folder.path / "data.safetensors", {view_of("tokens", "I64", shape, data.tokens), view_of("targets", "I64", shape, data.targets)});

  run_window(run, data, 0);
  SavedState after_first(*run.engine);
  for (int64_t window = 1; window < windows; ++window) run_window(run, data, window);
  std::vector<double> losses;
  for (const WindowRow& row : run.engine->rows_until(static_cast<uint64_t>(windows))) losses.push_back(row.loss_sum / row.count);
  std::vector<TensorView> results = after_first.state.optimizer;
  results.push_back(view_of("loss", "F64", {windows}, losses));
  write_safetensors(folder.path / "engine.safetensors", results);
  std::ofstream(folder.path / "settings.json") << R"({"layers": 2, "heads": 2, "learning_rate": 0.01, "weight_decay": 0.1, "clip_norm": 0.5, "autocast": )"
                                               << (plan.flags & TRAINHOST_PRECISION_AUTOCAST ? "true}" : "false}");
  return ask_python(folder.path);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(eager_test)

BOOST_AUTO_TEST_CASE(fifty_steps_in_fp32_have_the_losses_and_the_gradient_of_pytorch) {
  const Distance distance = distance_to_eager(50, fp32_plan());
  BOOST_TEST_MESSAGE("loss " << distance.loss << ", gradient " << distance.gradient);
  BOOST_TEST(distance.loss < 1e-4);
  BOOST_TEST(distance.gradient < 1e-5);
}

BOOST_AUTO_TEST_CASE(bf16_autocast_stays_close_to_that_of_pytorch) {
  const Distance distance = distance_to_eager(5, bf16_plan());
  BOOST_TEST_MESSAGE("loss " << distance.loss << ", gradient " << distance.gradient);
  BOOST_TEST(distance.loss < 2e-2);
}

BOOST_AUTO_TEST_SUITE_END()
