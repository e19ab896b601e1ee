// Whole checkpoints of the host in a bucket: kills for real, a store that goes away, boto3's view of the folder.
#include <boost/test/unit_test.hpp>

#include "checkpoint/store.h"
#include "checkpoint/test_store.h"
#include "plugin/instance.h"
#include "plugin/metadata.h"
#include "testing/servers.h"

using namespace s3ckpt::testing;
using namespace trainhost;
using trainhost::testing::HookedStore;
using trainhost::testing::is_state;
using trainhost::testing::small_options;
using trainhost::testing::SmallState;

namespace {

struct Store {
  Variable id{"AWS_ACCESS_KEY_ID", "TESTKEY"}, secret{"AWS_SECRET_ACCESS_KEY", "test/secret+key"}, token{"AWS_SESSION_TOKEN", ""}, profile{"AWS_PROFILE", ""},
      region{"AWS_REGION", ""};
  Server server{"fault_server.py"};
  std::string url = server.first_line();
};

/// The plugin as the host runs it.
struct Place {
  RunFacts facts;
  std::unique_ptr<Instance> instance;
  std::optional<CheckpointBackend> backend;
  std::unique_ptr<ObjectStore> objects;

  explicit Place(const std::string& url) {
    instance = Instance::create(read_plugin_file(trainhost::testing::plugin_file()).front(),
                                format(R"({{"uri":"s3://bucket/runs/a","endpoint":"{}","tries":2}})", url));
    instance->start(facts);
    backend.emplace(*instance);
    objects = make_object_store(*backend);
  }
};

StoreOptions keep_one() {
  StoreOptions options = small_options();
  options.keep_last = 1;
  return options;
}

std::optional<uint64_t> resumed_step(const std::string& url) {
  Place place(url);
  const auto loaded = CheckpointStore(*place.objects, keep_one()).load_newest_verified([](const CheckpointDamage& damage) {
    BOOST_ERROR("damaged: " << damage.id << " " << damage.reason);
  });
  if (!loaded) return std::nullopt;
  BOOST_TEST(is_state(*loaded, loaded->info.step));
  return loaded->info.step;
}

/// In a process of its own: saves steps from `first` on until call number `at`, then dies by SIGKILL. Returns whether it lived.
bool save_until_killed(const std::string& url, uint64_t first, uint64_t at) {
  const pid_t child = ::fork();
  if (child == 0) {
    Place place(url);
    HookedStore hooked(*place.objects);
    uint64_t num_calls = 0;
    hooked.after = [&](const std::string&, const std::string&) {
      if (++num_calls == at) ::kill(::getpid(), SIGKILL);
    };
    CheckpointStore store(hooked, keep_one());
    store.save(SmallState(first).snapshot());
    store.save(SmallState(first + 1).snapshot());
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(s3ckpt_checkpoints_test, Store)

BOOST_AUTO_TEST_CASE(checkpoints_come_back_from_the_bucket) {
  {
    Place place(url);
    StoreOptions options = small_options();
    options.num_threads = 4;
    CheckpointStore(*place.objects, options).save(SmallState(3, 100'000).snapshot());
  }
  Place place(url);
  BOOST_TEST(is_state(*CheckpointStore(*place.objects, small_options()).load_newest_verified(), 3, 100'000));
}

BOOST_AUTO_TEST_CASE(a_probe_leaves_nothing_in_the_bucket) {
  Place place(url);
  CheckpointStore(*place.objects, small_options()).probe();
  BOOST_TEST(server.ask("objects") == "");
}

BOOST_AUTO_TEST_CASE(a_process_killed_at_any_call_loses_at_most_the_save_it_was_in) {
  uint64_t step = 0;
  for (uint64_t at = 1;; at += 5) {
    const bool has_lived = save_until_killed(url, step + 1, at);
    const uint64_t resumed = resumed_step(url).value_or(0);
    BOOST_TEST_REQUIRE((resumed >= step && resumed <= step + 2), "killed at call " << at << ": step " << resumed << " after " << step);
    step = resumed;
    if (has_lived) break;
  }
}

BOOST_AUTO_TEST_CASE(a_store_that_fails_now_and_then_is_not_noticed) {
  Place place(url);
  CheckpointStore store(*place.objects, keep_one());
  for (const char* fault : {"2 status=503 manifest", "2 reset weights", "1 lost commit$", "3 lost ^PUT .*verified", "2 cut ^GET .*optimizer"})
    server.ask("fault {}", fault);
  store.save(SmallState(1).snapshot());
  BOOST_TEST(resumed_step(url).value_or(0) == 1u);
}

BOOST_AUTO_TEST_CASE(a_store_that_goes_away_is_exit_16_and_the_old_checkpoint_stays) {
  Place place(url);
  CheckpointStore store(*place.objects, keep_one());
  store.save(SmallState(1).snapshot());
  server.ask("fault 9999 status=503,SlowDown ^PUT .*optimizer");
  BOOST_CHECK_EXCEPTION(store.save(SmallState(2).snapshot()), Error, [&](const Error& error) {
    BOOST_TEST_MESSAGE(error.what());
    return error.code() == ExitCode::kCheckpointUnwritable && std::string(error.what()).find("SlowDown") != std::string::npos;
  });
  BOOST_TEST(resumed_step(url).value_or(0) == 1u);
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_in_the_bucket_is_found_and_an_older_checkpoint_used) {
  Place place(url);
  StoreOptions options = keep_one();
  options.keep_last = 2;
  CheckpointStore store(*place.objects, options);
  store.save(SmallState(1).snapshot());
  const std::string newest = store.save(SmallState(2).snapshot()).info.id;
  server.ask("damage runs/a/{}/weights.safetensors", newest);
  std::string reason;
  const auto loaded = CheckpointStore(*place.objects, options).load_newest_verified([&](const CheckpointDamage& damage) { reason = damage.reason; });
  BOOST_TEST(loaded->info.step == 1u);
  BOOST_TEST(reason.find("checksum") != std::string::npos, reason);
}

BOOST_AUTO_TEST_SUITE_END()
