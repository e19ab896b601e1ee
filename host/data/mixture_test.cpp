// Mixtures: shares that are exact at every position, orders that threads and interruptions do not change, parts that must agree.
#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "data/credit_schedule.h"
#include "data/mixture_source.h"
#include "data/pipeline.h"
#include "data/testing/fake_source.h"

using namespace trainhost;
using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(mixture_test)

namespace {

// Three sources whose samples are 1000 * part + id.
struct Mixed {
  FakeSource a, b, c;
  FakeDevice device;
  PipelineOptions options{.seed = 7, .threads = 2, .prefetch_batches = 3};

  Mixed() {
    uint64_t part = 0;
    for (FakeSource* source : {&a, &b, &c}) {
      source->num_samples = 10 + 5 * part;
      source->fields = {{"x", TRAINHOST_FIELD_INPUT, kInt64, {1}, {}}, {"y", TRAINHOST_FIELD_TARGET, kInt32, {3}, {}}};
      source->value = [part](uint64_t id, uint64_t, size_t, size_t) { return static_cast<int64_t>(1000 * part + id); };
      ++part;
    }
  }
  MixtureSource mixture(const std::vector<double>& weights = {0.5, 0.3, 0.2}) {
    return MixtureSource({{"a", weights[0], &a.source()}, {"b", weights[1], &b.source()}, {"c", weights[2], &c.source()}});
  }
};

std::vector<uint64_t> next_values(DataPipeline& pipeline, const WindowShape& shape) {
  std::vector<uint64_t> values;
  pipeline.begin_window(shape);
  while (const auto batch = pipeline.next())
    for (const int64_t value : as_fake(*batch).field<int64_t>(0)) values.push_back(static_cast<uint64_t>(value));
  pipeline.commit_window();
  return values;
}

}  // namespace

BOOST_AUTO_TEST_CASE(weights_become_the_smallest_whole_numbers) {
  const auto weights_of = [](const std::vector<double>& weights) { return CreditSchedule(weights).weights(); };
  BOOST_TEST(weights_of({0.7, 0.3}) == (std::vector<uint64_t>{7, 3}), boost::test_tools::per_element());
  BOOST_TEST(weights_of({2, 2, 4}) == (std::vector<uint64_t>{1, 1, 2}), boost::test_tools::per_element());
  BOOST_TEST(weights_of({0.123, 0.877}) == (std::vector<uint64_t>{123, 877}), boost::test_tools::per_element());
  BOOST_TEST(weights_of({1}) == (std::vector<uint64_t>{1}), boost::test_tools::per_element());
  const std::vector<uint64_t> odd = weights_of({1e-9, 3.14159265, 2.71828183, 1e-12});
  BOOST_TEST(std::accumulate(odd.begin(), odd.end(), uint64_t{0}) == CreditSchedule::kMostPositions);
  BOOST_TEST(*std::min_element(odd.begin(), odd.end()) == 1u);
  BOOST_TEST(std::abs(static_cast<double>(odd[1]) / static_cast<double>(odd[2]) - 3.14159265 / 2.71828183) < 1e-3);
}

BOOST_AUTO_TEST_CASE(any_position_knows_its_part_and_how_often_it_came) {
  BOOST_TEST(rc::check("shares", [] {
    const auto weights = *rc::gen::container<std::vector<int>>(static_cast<size_t>(*rc::gen::inRange(1, 6)), rc::gen::inRange(1, 50));
    const CreditSchedule schedule(std::vector<double>(weights.begin(), weights.end()));
    std::vector<uint64_t> counts(weights.size(), 0);
    const uint64_t start = *rc::gen::inRange<uint64_t>(0, 1000000);
    const std::vector<uint64_t> before = schedule.counts_before(start);
    for (uint64_t position = start; position < start + 300; ++position) {
      const CreditSchedule::Turn turn = schedule.at(position);
      RC_ASSERT(turn.count == before[turn.part] + counts[turn.part]++);
      // Never more than one turn per part away from its share.
      for (size_t part = 0; part < weights.size(); ++part) {
        const double share = static_cast<double>(position + 1) * static_cast<double>(schedule.weights()[part]) / static_cast<double>(schedule.period());
        RC_ASSERT(std::abs(static_cast<double>(before[part] + counts[part]) - share) < static_cast<double>(weights.size()));
      }
    }
  }));
}

BOOST_AUTO_TEST_CASE(each_part_has_its_share_and_goes_through_epochs_of_its_own) {
  Mixed mixed;
  const MixtureSource source = mixed.mixture();
  DataPipeline pipeline(source, mixed.options, mixed.device);
  BOOST_TEST(pipeline.epoch_samples() == 45u);
  std::map<uint64_t, std::vector<uint64_t>> parts;
  for (int window = 0; window < 20; ++window) {
    std::map<uint64_t, int> shares;
    for (const uint64_t value : next_values(pipeline, {.micro_batch_samples = 7, .target_samples = 10})) {
      ++shares[value / 1000];
      parts[value / 1000].push_back(value % 1000);
    }
    BOOST_TEST((shares == std::map<uint64_t, int>{{0, 5}, {1, 3}, {2, 2}}));
  }
  for (const auto& [part, ids] : parts) {
    const size_t size = 10 + 5 * part;
    for (size_t first = 0; first + size <= ids.size(); first += size) {
      const std::set<uint64_t> once(ids.begin() + static_cast<ptrdiff_t>(first), ids.begin() + static_cast<ptrdiff_t>(first + size));
      BOOST_TEST(once.size() == size);
    }
  }
  BOOST_TEST(!std::equal(parts[0].begin(), parts[0].begin() + 10, parts[0].begin() + 10));
  const std::vector<PipelineReport::Part> reports = pipeline.report().parts;
  BOOST_REQUIRE(reports.size() == 3u);
  BOOST_TEST(reports[0].name == "a");
  BOOST_TEST(reports[0].samples == 100u);
  BOOST_TEST(reports[2].samples == 40u);
  BOOST_TEST(reports[2].samples_of_one_epoch == 20u);
}

BOOST_AUTO_TEST_CASE(threads_windows_and_new_processes_do_not_change_the_order) {
  Mixed mixed;
  const MixtureSource source = mixed.mixture();
  DataPipeline straight(source, mixed.options, mixed.device);
  const std::vector<uint64_t> order = next_values(straight, {.micro_batch_samples = 64, .target_samples = 400});
  std::vector<uint64_t> values;
  Position position;
  for (uint64_t step = 1; values.size() < 380; ++step) {
    mixed.options.threads = 1 + step % 4;
    DataPipeline again(source, mixed.options, mixed.device);
    again.seek(position);
    for (const uint64_t value : next_values(again, {.micro_batch_samples = step, .target_samples = 3 + step * 5 % 17})) values.push_back(value);
    position = again.position();
  }
  BOOST_TEST(std::equal(values.begin(), values.begin() + 380, order.begin()));
}

BOOST_AUTO_TEST_CASE(another_part_or_weight_is_another_fingerprint) {
  Mixed mixed;
  const auto print = [](const MixtureSource& source) { return source.info().fingerprint; };
  const auto base = print(mixed.mixture());
  BOOST_TEST((base == print(mixed.mixture())));
  BOOST_TEST((base != print(mixed.mixture({0.5, 0.2, 0.3}))));
  BOOST_TEST((base != print(MixtureSource({{"a", 0.5, &mixed.a.source()}, {"b", 0.3, &mixed.b.source()}, {"d", 0.2, &mixed.c.source()}}))));
}

BOOST_AUTO_TEST_CASE(parts_that_differ_are_named_with_what_differs) {
  Mixed mixed;
  mixed.b.fields[1].num_classes = 4;
  const std::string message = message_of(ExitCode::kData, [&] { mixed.mixture(); });
  BOOST_TEST(contains(message, "the parts \"a\" (data_source/fake) and \"b\" (data_source/fake) do not agree: field 1 (y) has classes: 0 and 4"), message);
  Mixed fewer;
  fewer.c.fields.pop_back();
  BOOST_TEST(contains(message_of(ExitCode::kData, [&] { fewer.mixture(); }), "\"a\" (data_source/fake) and \"c\" (data_source/fake) have 2 and 1 fields"));
}

BOOST_AUTO_TEST_CASE(a_damaged_sample_is_named_with_its_part) {
  Mixed mixed;
  mixed.b.before_sample = [](uint64_t id) { return id == 3 ? TRAINHOST_DATA_LOSS : TRAINHOST_OK; };
  const MixtureSource source = mixed.mixture();
  DataPipeline pipeline(source, mixed.options, mixed.device);
  const std::string message = message_of(ExitCode::kData, [&] { next_values(pipeline, {.micro_batch_samples = 8, .target_samples = 90}); });
  BOOST_TEST(contains(message, "data set train: sample 3 of \"b\": part \"b\": data_source/fake: read: DATA_LOSS"), message);
}

BOOST_AUTO_TEST_SUITE_END()
