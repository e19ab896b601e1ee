// Plugins of every T0 kind that were built for an older host do all that they can do, through the classes of this host.
#include <boost/test/data/test_case.hpp>
#include <map>

#include "generations.h"
#include "plugin/accumulation_schedule.h"
#include "plugin/checkpoint_backend.h"
#include "plugin/data_source.h"
#include "plugin/lr_schedule.h"
#include "plugin/observer.h"
#include "plugin/precision_policy.h"
#include "plugin/state.h"
#include "plugin/stopping_rule.h"

namespace trainhost {
namespace {

// Built with the frozen headers, and the same source with the SDK of the next minor.
const auto kFiles = boost::unit_test::data::make({"1.0/frozen.so", "next_0/frozen.so"});

std::unique_ptr<Instance> plugin(const char* file, const char* name, std::string_view config = "{}", InstanceServices services = {}) {
  return Instance::create(generation_record(file, name), config, std::move(services));
}

class FourSamplesFit : public MemoryProbe {
 public:
  trainhost_probe probe(uint64_t samples) override {
    trainhost_probe answer = given<trainhost_probe>();
    answer.fits = samples <= 4;
    return answer;
  }
  std::string fingerprint() override { return "abc"; }
};

trainhost_window next_window(const char* file, const char* config) {
  FourSamplesFit probe;
  const auto instance = plugin(file, "frozen_accum", config, {.memory = &probe});
  return AccumulationSchedule(*instance).next_window(given<trainhost_progress>());
}

// Holds what a source writes.
class Rows : public BatchWriter {
 public:
  void reserve(uint64_t sample, uint32_t field, std::span<const int64_t>, trainhost_tensor& out) override {
    out = {};
    out.data = values[{sample, field}].data();
  }
  std::map<std::pair<uint64_t, uint32_t>, std::array<char, 64>> values;
};

class Told : public PluginReports {
 public:
  void publish(const std::string& plugin, const std::string& topic, const std::vector<Number>& numbers) override {
    text += plugin + " " + topic;
    for (const auto& [name, value] : numbers) text += format(" {}={}", name, value);
    text += "\n";
  }
  void slow_call(const std::string&, const std::string&, double) override {}
  std::string text;
};

template <class Value>
Value value_at(const char* bytes) {
  Value value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kinds_of_generations_test)

BOOST_DATA_TEST_CASE(precision_policy_plans, kFiles, file) {
  const auto instance = plugin(file, "frozen_policy");
  auto device = given<trainhost_device_facts>();
  device.device_type = TRAINHOST_DEVICE_CPU;
  const PrecisionPolicy policy(*instance);
  BOOST_TEST(policy.plan(device).growth_interval == 1234u);
  BOOST_TEST(policy.plan(device).max_scale == 0x1p40);  // the host's default behind what it set
  BOOST_TEST(policy.has_layers());
  BOOST_TEST(policy.format_of("head", TRAINHOST_ROLE_WEIGHT, {TRAINHOST_DTYPE_FLOAT, 32, 1}).bits == 32);
  device.device_type = TRAINHOST_DEVICE_CUDA;
  expect_error(ExitCode::kConfig, {"plan: FAILED_PRECONDITION: only knows the CPU"}, [&] { policy.plan(device); });
}

BOOST_DATA_TEST_CASE(accumulation_schedule_tries_and_cuts, kFiles, file) {
  BOOST_TEST(next_window(file, R"({"samples":4})").micro_batch_samples == 4);
  BOOST_TEST(next_window(file, R"({"samples":5})").micro_batch_samples == 1);
  BOOST_TEST(next_window(file, "{}").num_micro_batches == 2);
  const auto instance = plugin(file, "frozen_accum");
  auto failed = given<trainhost_window>();
  failed.micro_batch_samples = 4;
  BOOST_TEST(AccumulationSchedule(*instance).out_of_memory(failed, 1) == 2);
  failed.micro_batch_samples = 1;
  expect_error(ExitCode::kOutOfMemory, {"one sample does not fit"}, [&] { AccumulationSchedule(*instance).out_of_memory(failed, 1); });
}

BOOST_DATA_TEST_CASE(lr_schedule_answers, kFiles, file) {
  const auto instance = plugin(file, "frozen_rates");
  auto at = given<trainhost_progress>();
  at.step = 3;
  const LrSchedule schedule(*instance);
  BOOST_TEST(schedule.factors(at, std::vector<double>{0.0, 0.0}) == (std::vector<double>{0.25, 0.2}), boost::test_tools::per_element());
  BOOST_TEST(!schedule.update(at, {}));
}

BOOST_DATA_TEST_CASE(stopping_rule_counts_over_a_resume, kFiles, file) {
  const auto before = plugin(file, "frozen_rule", R"({"windows":3})"), after = plugin(file, "frozen_rule", R"({"windows":3})");
  for (int i = 0; i < 2; ++i) BOOST_TEST(StoppingRule(*before).check(given<trainhost_progress>(), {}).stop == TRAINHOST_STOP_NO);
  State(*after).load("1.0.0", State(*before).save());
  BOOST_TEST(StoppingRule(*after).check(given<trainhost_progress>(), {}).reason == "was asked 3 times");
  expect_error(ExitCode::kCheckpointUnreadable, {"the state has another size"}, [&] { State(*after).load("1.0.0", "cut"); });
}

BOOST_DATA_TEST_CASE(observer_sees_events, kFiles, file) {
  const auto instance = plugin(file, "frozen_observer");
  const auto progress = given<trainhost_progress>();
  auto event = given<trainhost_event>();
  event.name = {"step", 4};
  event.progress = &progress;
  BOOST_CHECK_NO_THROW(Observer(*instance).on_event(event));
  event.name = {"", 0};
  expect_error(ExitCode::kPlugin, {"an event without a name"}, [&] { Observer(*instance).on_event(event); });
}

BOOST_DATA_TEST_CASE(observer_tells_numbers, kFiles, file) {
  Told told;
  const RunFacts facts;
  const auto instance = plugin(file, "frozen_observer", "{}", {.reports = &told});
  instance->start(facts);
  auto event = given<trainhost_event>();
  event.name = {"step", 4};
  for (int i = 0; i < 2; ++i) Observer(*instance).on_event(event);
  BOOST_TEST(told.text == "observer/frozen_observer frozen events=1 nothing=nan\n");
}

BOOST_DATA_TEST_CASE(data_source_reads_through_a_decorator, kFiles, file) {
  const auto inner = plugin(file, "frozen_source", R"({"samples":50})");
  const auto relay = plugin(file, "frozen_relay", "{}", {.upstreams = {inner.get()}});
  DataSource source(*inner), decorated(*relay);
  BOOST_TEST(decorated.info().num_samples == 50u);
  BOOST_TEST(decorated.info().fields[1].num_classes == 3);
  BOOST_TEST(source.info().block_starts == (std::vector<uint64_t>{0, 10}), boost::test_tools::per_element());
  Rows direct, through;
  const std::vector<uint64_t> ids = {7, 3}, keys = {0, 0};
  source.read(ids, keys, direct);
  decorated.read(ids, keys, through);
  BOOST_TEST(direct.values.size() == 4u);
  BOOST_TEST((direct.values == through.values));
  const float x = value_at<float>(direct.values.at({1, 0}).data());
  BOOST_TEST(value_at<int64_t>(direct.values.at({1, 1}).data()) == static_cast<int64_t>((x + 1) * 1.5f));
  BOOST_TEST(source.lengths(ids) == (std::vector<uint64_t>{1, 1}), boost::test_tools::per_element());
  BOOST_TEST(source.decode(source.encode("any text")) == "any text");
}

BOOST_DATA_TEST_CASE(checkpoint_backend_keeps_objects, kFiles, file) {
  const TemporaryFolder folder;
  const RunFacts facts;
  const auto instance = plugin(file, "frozen_backend", format(R"({{"uri":"frozen:{}/place"}})", folder.path().string()));
  instance->start(facts);
  const CheckpointBackend backend(*instance);
  const std::string bytes(100000, 'b');
  CheckpointBackend::Put put = backend.begin("run/b", bytes.size());
  for (uint64_t at = 0; at < bytes.size(); at += put.part_bytes())
    put.part(at, std::as_bytes(std::span(bytes).subspan(at, std::min(put.part_bytes(), bytes.size() - at))), 0);
  BOOST_TEST(backend.list("run/").empty());  // not visible before it is whole
  put.commit();
  BOOST_TEST(backend.create("run/a", "first"));
  BOOST_TEST(backend.create("run/a", "first"));
  BOOST_TEST(!backend.create("run/a", "other"));
  const std::vector<StoredObject> objects = backend.list("run/");
  BOOST_REQUIRE(objects.size() == 2);
  BOOST_TEST(objects[0].key == "run/a");
  BOOST_TEST(objects[1].size == bytes.size());
  std::array<std::byte, 8> read{};
  BOOST_TEST(backend.get("run/a", 2, read) == 3);
  BOOST_TEST(std::string(reinterpret_cast<const char*>(read.data()), 3) == "rst");
  BOOST_TEST(backend.num_places() == 2u);
  for (uint32_t place = 0; place < 2; ++place) {
    BOOST_TEST(backend.get_copy(place, "run/a", 3, read) == 2);
    BOOST_TEST(std::string(reinterpret_cast<const char*>(read.data()), 2) == "st");
    expect_error(ExitCode::kCheckpointUnreadable, {"NOT_FOUND"}, [&] { backend.get_copy(place, "run/none", 0, read); });
  }
  backend.remove("run/a");
  BOOST_TEST(backend.list("").size() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
