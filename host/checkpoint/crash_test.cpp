// Kills, failures and refusals at every call of a save: a reopened store has the old checkpoint or the new one, and nothing else.
#include <boost/test/unit_test.hpp>
#include <boost/test/data/test_case.hpp>

#include <utility>

#include "checkpoint/record.h"
#include "checkpoint/store.h"
#include "checkpoint/test_store.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(crash_test)

namespace {

/// Throws `failure` at call number `at`, before or after it took effect; a kill stops every later call too.
template <class Failure>
struct FailAt {
  uint64_t at;
  bool is_after;
  Failure failure;
  bool is_final = std::is_same_v<Failure, Killed>;
  uint64_t num_calls = 0;
  bool has_happened = false;

  void attach(HookedStore& store) {
    store.before = [this](const std::string&, const std::string&) {
      if (is_final && has_happened) throw failure;
      if (++num_calls == at && !is_after) fire();
    };
    store.after = [this](const std::string&, const std::string&) {
      if (num_calls == at && is_after && !has_happened) fire();
    };
  }
  void fire() {
    has_happened = true;
    throw failure;
  }
};

StoreOptions keep_one() {
  StoreOptions options = small_options();
  options.keep_last = 1;
  return options;
}

/// The step that a reopened store resumes from; 0 when it starts anew. Any complaint on the way is a failure.
uint64_t resumed_step(ObjectStore& objects) {
  const auto loaded = CheckpointStore(objects, keep_one()).load_newest_verified([](const CheckpointDamage& damage) { BOOST_ERROR("damaged: " << damage.id << " " << damage.object << " " << damage.reason); });
  if (!loaded) return 0;
  BOOST_TEST(is_state(*loaded, loaded->info.step));
  return loaded->info.step;
}

/// Everything in the store belongs to a checkpoint with a commit record, or is the claim of an attempt.
bool is_tidy(const MemoryStore& objects) {
  for (const auto& [key, bytes] : objects.contents) {
    const std::string folder = key.substr(0, key.find('/'));
    if (folder != "attempts" && !objects.contents.contains(folder + "/commit")) return false;
  }
  return true;
}

/// One process: two saves, the second marked good.
void run_process(ObjectStore& objects, uint64_t first_step) {
  CheckpointStore store(objects, keep_one());
  store.save(SmallState(first_step).snapshot());
  store.mark_good(store.save(SmallState(first_step + 1).snapshot()).info.id);
}

}  // namespace

BOOST_DATA_TEST_CASE(a_kill_at_any_call_leaves_the_old_or_the_new_checkpoint, data::make({false, true}), is_after) {
  uint64_t previous = 0;
  for (uint64_t at = 1;; ++at) {
    MemoryStore objects;
    HookedStore hooked(objects);
    FailAt<Killed> fault{at, is_after, {}};
    fault.attach(hooked);
    try {
      run_process(hooked, 10);
    } catch (const Killed&) {
    }
    const uint64_t step = resumed_step(objects);
    BOOST_TEST_REQUIRE((step == 0 || step == 10 || step == 11), "killed at call " << at);
    BOOST_TEST_REQUIRE(step >= previous, "killed at call " << at << ": a later kill must not lose more");
    previous = step;
    run_process(objects, step + 1);  // the next process goes on, and cleans up
    BOOST_TEST_REQUIRE(resumed_step(objects) == step + 2);
    BOOST_TEST_REQUIRE(is_tidy(objects), "killed at call " << at);
    if (!fault.has_happened) break;
  }
  BOOST_TEST(previous == 11u);
}

BOOST_AUTO_TEST_CASE(two_kills_in_a_row_at_any_two_calls_lose_nothing) {
  for (uint64_t first = 1;; first += 3) {
    bool has_first_happened = false;
    for (uint64_t second = 1;; second += 5) {
      MemoryStore objects;
      run_process(objects, 1);
      FailAt<Killed> faults[2] = {{first, false, {}}, {second, true, {}}};
      for (FailAt<Killed>& fault : faults) {
        HookedStore hooked(objects);
        fault.attach(hooked);
        try {
          run_process(hooked, 10 * (1 + static_cast<uint64_t>(&fault - faults)));
        } catch (const Killed&) {
        }
        BOOST_TEST_REQUIRE(resumed_step(objects) >= 2u);
      }
      has_first_happened = faults[0].has_happened;
      if (!faults[1].has_happened) break;
    }
    if (!has_first_happened) break;
  }
}

BOOST_DATA_TEST_CASE(a_full_disk_at_any_call_is_exit_16_and_leaves_nothing_half, data::make({false, true}), is_after) {
  for (uint64_t at = 1;; ++at) {
    MemoryStore objects;
    CheckpointStore(objects, keep_one()).save(SmallState(1).snapshot());
    HookedStore hooked(objects);
    FailAt<PluginCallError> fault{at, is_after, store_failure(TRAINHOST_RESOURCE_EXHAUSTED, "disk full")};
    fault.attach(hooked);
    CheckpointStore store(hooked, keep_one());
    try {
      store.save(SmallState(2).snapshot());
      BOOST_TEST_REQUIRE(resumed_step(objects) == 2u);  // only cleaning up was hindered
    } catch (const Error& error) {
      BOOST_TEST_REQUIRE((error.code() == ExitCode::kCheckpointUnwritable), error.what());
      BOOST_TEST_REQUIRE(std::string(error.what()).find("disk full") != std::string::npos);
      BOOST_TEST_REQUIRE(resumed_step(objects) == 1u);
      BOOST_TEST_REQUIRE(is_tidy(objects), "failed at call " << at);
    }
    const bool has_happened = std::exchange(fault.has_happened, true);
    fault.at = 0;  // room again
    store.save(SmallState(3).snapshot());
    BOOST_TEST_REQUIRE(resumed_step(objects) == 3u);
    BOOST_TEST_REQUIRE(is_tidy(objects));
    if (!has_happened) break;
  }
}

BOOST_DATA_TEST_CASE(a_call_that_is_unavailable_once_is_tried_again, data::make({false, true}), is_after) {
  for (uint64_t at = 1;; ++at) {
    MemoryStore objects;
    HookedStore hooked(objects);
    FailAt<PluginCallError> fault{at, is_after, store_failure(TRAINHOST_UNAVAILABLE, "busy")};
    fault.attach(hooked);
    CheckpointStore store(hooked, keep_one());
    // A begin whose answer is lost leaves a put behind that only the backend can know; all else must be invisible.
    BOOST_TEST_REQUIRE(store.save(SmallState(1).snapshot()).info.is_verified, "at call " << at);
    BOOST_TEST_REQUIRE(store.save(SmallState(2).snapshot()).info.is_verified);
    BOOST_TEST_REQUIRE(resumed_step(objects) == 2u);
    BOOST_TEST_REQUIRE(is_tidy(objects), "at call " << at);
    if (!fault.has_happened) break;
  }
}

BOOST_AUTO_TEST_CASE(what_stays_unavailable_is_given_up_after_the_tries) {
  MemoryStore objects;
  HookedStore hooked(objects);
  uint64_t num_waits = 0, num_begins = 0;
  hooked.before = [&](const std::string& verb, const std::string&) {
    if (verb == "begin") ++num_begins, throw store_failure(TRAINHOST_UNAVAILABLE, "busy");
  };
  StoreOptions options = keep_one();
  options.tries = 4;
  options.wait = [&](double) { ++num_waits; };
  CheckpointStore store(hooked, options);
  BOOST_CHECK_EXCEPTION(store.save(SmallState(1).snapshot()), Error, [](const Error& error) { return error.code() == ExitCode::kCheckpointUnwritable; });
  BOOST_TEST(num_begins == 3 * 4u);
  BOOST_TEST(num_waits == 3 * 3u);
}

BOOST_AUTO_TEST_CASE(a_disk_that_does_not_hold_what_it_was_given_is_found_before_the_old_one_goes) {
  MemoryStore objects;
  HookedStore hooked(objects);
  CheckpointStore store(hooked, keep_one());
  store.save(SmallState(1).snapshot());
  hooked.after = [&](const std::string& verb, const std::string& key) {
    if (verb == "commit" && key.ends_with("optimizer.safetensors")) objects.contents.at(key)[5000] ^= 1;
  };
  BOOST_CHECK_EXCEPTION(store.save(SmallState(2).snapshot()), Error, [](const Error& error) {
    return error.code() == ExitCode::kCheckpointUnwritable && std::string(error.what()).find("optimizer.safetensors: checksum of the 4096 bytes at offset 4096") != std::string::npos;
  });
  BOOST_TEST(resumed_step(objects) == 1u);
  BOOST_TEST(is_tidy(objects));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_another_process_made_under_the_same_name_is_left_whole) {
  MemoryStore objects, rivals;
  CheckpointStore(rivals, keep_one()).save(SmallState(5).snapshot());
  HookedStore hooked(objects);
  hooked.before = [&](const std::string& verb, const std::string&) {
    if (verb == "begin") objects.contents.insert(rivals.contents.begin(), rivals.contents.end());
  };
  CheckpointStore store(hooked, keep_one());
  BOOST_CHECK_THROW(store.save(SmallState(5).snapshot()), Error);
  BOOST_TEST(resumed_step(objects) == 5u);
}

BOOST_AUTO_TEST_SUITE_END()
