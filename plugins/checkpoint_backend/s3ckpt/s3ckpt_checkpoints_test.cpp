// Whole checkpoints of the host in a bucket: kills for real, a store that goes away, boto3's view of the folder.
#include <boost/test/unit_test.hpp>

#include "checkpoint/place_testing.h"
#include "testing/backend.h"

using namespace s3ckpt::testing;
using namespace trainhost;
using trainhost::testing::is_state;
using trainhost::testing::keep_newest;
using trainhost::testing::Place;
using trainhost::testing::PlacePlugin;
using trainhost::testing::small_options;
using trainhost::testing::SmallState;

namespace {

struct Store {
  Variable id{"AWS_ACCESS_KEY_ID", "TESTKEY"}, secret{"AWS_SECRET_ACCESS_KEY", "test/secret+key"}, token{"AWS_SESSION_TOKEN", ""}, profile{"AWS_PROFILE", ""},
      region{"AWS_REGION", ""};
  Server server{"fault_server.py"};
  std::string url = server.first_line();
};

std::unique_ptr<Place> open_place(const std::string& url) {
  return std::make_unique<Place>(
      std::vector<PlacePlugin>{{trainhost::testing::plugin_file(), format(R"({{"uri":"s3://bucket/runs/a","endpoint":"{}","tries":2}})", url)}});
}

uint64_t resumed_step(const std::string& url) {
  return trainhost::testing::resumed_step([&] { return open_place(url); }).value_or(0);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(s3ckpt_checkpoints_test, Store)

BOOST_AUTO_TEST_CASE(checkpoints_come_back_from_the_bucket) {
  {
    const auto place = open_place(url);
    StoreOptions options = small_options();
    options.num_threads = 4;
    place->store(options).save(SmallState(3, 100'000).snapshot());
  }
  const auto place = open_place(url);
  BOOST_TEST(is_state(*place->store(small_options()).load_newest_verified(), 3, 100'000));
}

BOOST_AUTO_TEST_CASE(a_probe_leaves_nothing_in_the_bucket) {
  const auto place = open_place(url);
  place->store(small_options()).probe();
  BOOST_TEST(server.ask("objects") == "");
}

BOOST_AUTO_TEST_CASE(a_process_killed_at_any_call_loses_at_most_the_save_it_was_in) {
  trainhost::testing::kills_lose_at_most_the_save_in_work([&] { return open_place(url); }, 5);
}

BOOST_AUTO_TEST_CASE(a_store_that_fails_now_and_then_is_not_noticed) {
  const auto place = open_place(url);
  CheckpointStore store = place->store(keep_newest(1));
  for (const char* fault : {"2 status=503 manifest", "2 reset weights", "1 lost commit$", "3 lost ^PUT .*verified", "2 cut ^GET .*optimizer"})
    server.ask("fault {}", fault);
  store.save(SmallState(1).snapshot());
  BOOST_TEST(resumed_step(url) == 1u);
}

BOOST_AUTO_TEST_CASE(a_store_that_goes_away_is_exit_16_and_the_old_checkpoint_stays) {
  const auto place = open_place(url);
  CheckpointStore store = place->store(keep_newest(1));
  store.save(SmallState(1).snapshot());
  server.ask("fault 9999 status=503,SlowDown ^PUT .*optimizer");
  BOOST_CHECK_EXCEPTION(store.save(SmallState(2).snapshot()), Error, [&](const Error& error) {
    BOOST_TEST_MESSAGE(error.what());
    return error.code() == ExitCode::kCheckpointUnwritable && std::string(error.what()).find("SlowDown") != std::string::npos;
  });
  BOOST_TEST(resumed_step(url) == 1u);
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_in_the_bucket_is_found_and_an_older_checkpoint_used) {
  const auto place = open_place(url);
  StoreOptions options = keep_newest(1);
  options.keep_last = 2;
  CheckpointStore store = place->store(options);
  store.save(SmallState(1).snapshot());
  const std::string newest = store.save(SmallState(2).snapshot()).info.id;
  server.ask("damage runs/a/{}/weights.safetensors", newest);
  std::string reason;
  const auto loaded = place->store(options).load_newest_verified([&](const CheckpointDamage& damage) { reason = damage.reason; });
  BOOST_TEST(loaded->info.step == 1u);
  BOOST_TEST(reason.find("checksum") != std::string::npos, reason);
}

BOOST_AUTO_TEST_SUITE_END()
