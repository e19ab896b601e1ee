// An evaluation sees the same samples each time, in ascending order.
#include "data/evaluation_pass.h"

#include <boost/test/unit_test.hpp>

#include "data/testing/fake_source.h"

using namespace trainhost;
using namespace trainhost::testing;

namespace {

struct EvaluationPassFixture {
  EvaluationPassFixture() {
    source.fields = {{"x", TRAINHOST_FIELD_INPUT, kInt64, {1}, {}}};
    source.value = [](uint64_t id, uint64_t, size_t, size_t) { return static_cast<int64_t>(id); };
    source.num_samples = 10;
  }
  FakeSource source;
  FakeDevice device;

  std::vector<int64_t> ids(const EvaluationOptions& options) {
    EvaluationPass pass(source.source(), options, device);
    std::vector<int64_t> out;
    while (const auto batch = pass.next()) {
      BOOST_TEST(batch->num_samples <= options.micro_batch_samples);
      for (const int64_t id : as_fake(*batch).field<int64_t>(0)) out.push_back(id);
    }
    BOOST_TEST(!pass.next());
    BOOST_TEST(pass.num_samples() == out.size());
    return out;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(evaluation_pass_test, EvaluationPassFixture)

BOOST_AUTO_TEST_CASE(all_samples_come_in_order_at_any_number_of_threads) {
  const std::vector<int64_t> expected{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  for (const uint64_t threads : {1u, 4u}) {
    for (const uint64_t size : {1u, 3u, 10u, 64u}) {
      BOOST_TEST(ids({.threads = threads, .prefetch_batches = 1, .micro_batch_samples = size}) == expected, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(fewer_samples_are_spread_over_the_set) {
  const std::vector<int64_t> expected{0, 2, 5, 7};
  BOOST_TEST(ids({.micro_batch_samples = 3, .max_samples = 4}) == expected, boost::test_tools::per_element());
  BOOST_TEST(ids({.micro_batch_samples = 3, .max_samples = 99}).size() == 10u);
}

BOOST_AUTO_TEST_CASE(a_damaged_sample_is_named_with_its_set) {
  source.before_sample = [](uint64_t id) { return id == 7 ? TRAINHOST_DATA_LOSS : TRAINHOST_OK; };
  const std::string message = message_of(ExitCode::kData, [&] { ids({.set_name = "heldout", .micro_batch_samples = 4}); });
  BOOST_TEST(contains(message, "heldout"), message);
  BOOST_TEST(contains(message, "sample 7"), message);
}

BOOST_AUTO_TEST_CASE(a_pass_may_be_left_early) {
  EvaluationPass pass(source.source(), {.micro_batch_samples = 1}, device);
  pass.next();
}

BOOST_AUTO_TEST_SUITE_END()
