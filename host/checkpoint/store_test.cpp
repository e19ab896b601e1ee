// Saving and loading through a store that keeps its promises.
#include "checkpoint/store.h"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <limits>

#include "checkpoint/test_store.h"

using namespace trainhost;
using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(store_test)

BOOST_AUTO_TEST_CASE(an_empty_store_has_no_checkpoint) {
  MemoryStore objects;
  CheckpointStore store(objects, small_options());
  BOOST_TEST(!store.load_newest_verified().has_value());
  BOOST_TEST(store.list().empty());
}

BOOST_AUTO_TEST_CASE(what_was_saved_is_loaded_by_another_process) {
  MemoryStore objects;
  const SaveReport report = CheckpointStore(objects, small_options()).save(SmallState(400).snapshot());
  BOOST_TEST(report.problem == "");
  BOOST_TEST(report.info.is_verified);
  BOOST_TEST(report.info.id == "step-000000000400-a000001-n000001");
  BOOST_TEST(report.bytes > 24000u);
  const auto loaded = CheckpointStore(objects, small_options()).load_newest_verified();
  BOOST_TEST_REQUIRE(loaded.has_value());
  BOOST_TEST(is_state(*loaded, 400));
}

BOOST_AUTO_TEST_CASE(other_part_sizes_and_many_threads_change_nothing) {
  MemoryStore objects;
  objects.part_bytes = 12288;
  StoreOptions options = small_options();
  options.num_threads = 4;
  CheckpointStore store(objects, options);
  store.save(SmallState(7, 100'000).snapshot());
  const auto loaded = CheckpointStore(objects, options).load_newest_verified();
  BOOST_TEST_REQUIRE(loaded.has_value());
  BOOST_TEST(is_state(*loaded, 7, 100'000));
}

BOOST_AUTO_TEST_CASE(the_newest_is_the_last_saved_not_the_highest_step) {
  MemoryStore objects;
  CheckpointStore(objects, small_options()).save(SmallState(500).snapshot());
  CheckpointStore(objects, small_options()).save(SmallState(450).snapshot());
  BOOST_TEST(is_state(*CheckpointStore(objects, small_options()).load_newest_verified(), 450));
}

BOOST_AUTO_TEST_CASE(two_saves_of_one_step_do_not_collide) {
  MemoryStore objects;
  CheckpointStore store(objects, small_options());
  const std::string first = store.save(SmallState(5).snapshot()).info.id, second = store.save(SmallState(5).snapshot()).info.id;
  BOOST_TEST(first != second);
  BOOST_TEST(store.list().size() == 2u);
}

BOOST_AUTO_TEST_CASE(weights_alone_can_be_loaded) {
  MemoryStore objects;
  CheckpointStore store(objects, small_options());
  const std::string id = store.save(SmallState(5).snapshot()).info.id;
  objects.contents.erase("" + id + "/optimizer.safetensors");
  const LoadedCheckpoint loaded = store.load(id, LoadScope::kWeights);
  BOOST_TEST(loaded.weights.size() == 2u);
  BOOST_TEST(loaded.optimizer.empty());
}

BOOST_AUTO_TEST_CASE(values_that_are_not_finite_are_reported_and_nothing_is_written) {
  MemoryStore objects;
  CheckpointStore store(objects, small_options());
  store.save(SmallState(1).snapshot());
  const auto before = objects.contents;
  SmallState state(2);
  state.weight[17] = std::numeric_limits<float>::quiet_NaN();
  SaveReport report = store.save(state.snapshot());
  BOOST_TEST(!report.info.is_verified);
  BOOST_TEST(report.problem == "weights: tensor layer.weight, element 17 is nan");
  state.weight[17] = 0, state.momentum[3] = std::numeric_limits<float>::infinity();
  BOOST_TEST(store.save(state.snapshot()).problem == "optimizer: tensor optimizer.layer.weight.momentum, element 3 is inf");
  BOOST_TEST((objects.contents == before));
}

BOOST_AUTO_TEST_CASE(looking_and_claiming_list_each_thing_once_or_twice) {
  MemoryStore objects;
  CheckpointStore(objects, small_options()).save(SmallState(1).snapshot());
  HookedStore hooked(objects);
  std::vector<std::string> lists;
  hooked.before = [&](const std::string& verb, const std::string& key) {
    if (verb == "list") lists.push_back(key);
  };
  CheckpointStore store(hooked, small_options());
  store.load_newest_verified();
  BOOST_TEST((lists == std::vector<std::string>{"attempts/", "step-"}));  // in this order: who claims in between shows as a writer at least
  lists.clear();
  store.claim();
  BOOST_TEST((lists == std::vector<std::string>{"attempts/", "attempts/"}));  // before and after its own claim
}

BOOST_AUTO_TEST_CASE(a_failure_says_which_checkpoint_is_safe) {
  MemoryStore objects;
  HookedStore hooked(objects);
  bool is_full = true;
  hooked.before = [&](const std::string& verb, const std::string&) {
    if (verb == "begin" && is_full) throw store_failure(TRAINHOST_RESOURCE_EXHAUSTED, "the disk is full");
  };
  const auto words_of_save = [&](CheckpointStore& store, uint64_t step) {
    try {
      store.save(SmallState(step).snapshot());
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("saved");
  };
  const auto has = [](const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; };
  CheckpointStore store(hooked, small_options());
  BOOST_TEST(has(words_of_save(store, 1), "checkpoint of step 1 was not saved: the disk is full; no checkpoint is safe yet; make room"));
  is_full = false;
  const std::string first = store.save(SmallState(2).snapshot()).info.id;
  is_full = true;
  BOOST_TEST(has(words_of_save(store, 3), "checkpoint " + first + " is safe"));
  CheckpointStore resumed(hooked, small_options());
  resumed.load_newest_verified();
  BOOST_TEST(has(words_of_save(resumed, 3), "checkpoint " + first + " is safe"));
  BOOST_TEST(has(words_of_save(store, 4), "checkpoint " + first + " is safe"));  // of a process that was replaced
}

BOOST_AUTO_TEST_CASE(a_probe_leaves_nothing) {
  MemoryStore objects;
  HookedStore hooked(objects);
  std::vector<std::string> verbs;
  hooked.before = [&](const std::string& verb, const std::string&) { verbs.push_back(verb); };
  CheckpointStore(hooked, small_options()).probe();
  BOOST_TEST(objects.contents.empty());
  BOOST_TEST((verbs == std::vector<std::string>{"begin", "part", "commit", "get", "remove"}));
}

BOOST_AUTO_TEST_CASE(a_place_that_refuses_is_found_by_the_probe) {
  MemoryStore objects;
  HookedStore hooked(objects);
  hooked.before = [](const std::string& verb, const std::string&) {
    if (verb == "begin") throw store_failure(TRAINHOST_PERMISSION_DENIED, "no");
  };
  BOOST_CHECK_EXCEPTION(CheckpointStore(hooked, small_options()).probe(), Error, [](const Error& error) { return error.code() == ExitCode::kCheckpointUnwritable; });
}

BOOST_AUTO_TEST_CASE(a_prefix_keeps_runs_apart) {
  MemoryStore objects;
  StoreOptions one = small_options(), two = small_options();
  one.prefix = "one/", two.prefix = "two/";
  CheckpointStore(objects, one).save(SmallState(1).snapshot());
  BOOST_TEST(!CheckpointStore(objects, two).load_newest_verified().has_value());
  BOOST_TEST(is_state(*CheckpointStore(objects, one).load_newest_verified(), 1));
}

BOOST_AUTO_TEST_CASE(an_older_process_is_fenced_off) {
  MemoryStore objects;
  CheckpointStore older(objects, small_options()), newer(objects, small_options());
  older.save(SmallState(1).snapshot());
  newer.claim();
  BOOST_CHECK_EXCEPTION(older.save(SmallState(2).snapshot()), Error, [](const Error& error) { return std::string(error.what()).find("taken over") != std::string::npos; });
  newer.save(SmallState(3).snapshot());
  BOOST_TEST(newer.list().size() == 2u);
  BOOST_TEST(is_state(*newer.load_newest_verified(), 3));
}

BOOST_AUTO_TEST_CASE(a_process_that_slept_between_its_look_and_its_claim_replaces_nobody) {
  MemoryStore objects;
  CheckpointStore(objects, small_options()).save(SmallState(1).snapshot());
  CheckpointStore sleeper(objects, small_options()), successor(objects, small_options());
  BOOST_TEST(is_state(*sleeper.load_newest_verified(), 1));
  BOOST_TEST(is_state(*successor.load_newest_verified(), 1));
  successor.claim();
  BOOST_CHECK_EXCEPTION(sleeper.claim(), Error, [](const Error& error) { return std::string(error.what()).find("another process has claimed") != std::string::npos; });
  BOOST_CHECK_THROW(sleeper.save(SmallState(2).snapshot()), Error);
  successor.save(SmallState(3).snapshot());
  BOOST_TEST(is_state(*CheckpointStore(objects, small_options()).load_newest_verified(), 3));
}

BOOST_AUTO_TEST_CASE(a_process_that_is_replaced_while_it_commits_takes_its_checkpoint_back) {
  MemoryStore objects;
  HookedStore hooked(objects);
  CheckpointStore zombie(hooked, small_options()), newer(objects, small_options());
  zombie.save(SmallState(1).snapshot());
  hooked.before = [&](const std::string& verb, const std::string& key) {
    if (verb == "create" && key.ends_with("/commit")) newer.claim();
  };
  BOOST_CHECK_EXCEPTION(zombie.save(SmallState(2).snapshot()), Error, [](const Error& error) { return std::string(error.what()).find("taken over") != std::string::npos; });
  BOOST_TEST(objects.list("step-000000000002").empty());
  BOOST_TEST(is_state(*newer.load_newest_verified(), 1));
}

/// A newer process goes on from step 1 and dies; the process that it replaced dies right after a commit that came too late.
struct LateCommit {
  MemoryStore objects;
  HookedStore hooked{objects};
  LateCommit() {
    CheckpointStore zombie(hooked, small_options()), newer(objects, small_options());
    zombie.save(SmallState(1).snapshot());
    hooked.before = [&](const std::string& verb, const std::string& key) {
      if (verb != "create" || !key.ends_with("/commit")) return;
      newer.load_newest_verified();
      newer.claim();
    };
    hooked.after = [](const std::string& verb, const std::string& key) {
      if (verb == "create" && key.ends_with("/commit")) throw Killed{};
    };
    BOOST_CHECK_THROW(zombie.save(SmallState(2).snapshot()), Killed);
    objects.create("step-000000000002-a000001-n000002/verified", "as the zombie would have written it");
  }
};

BOOST_FIXTURE_TEST_CASE(a_commit_of_a_replaced_process_is_ignored, LateCommit) {
  CheckpointStore store(objects, small_options());
  BOOST_TEST(store.list().size() == 2u);
  BOOST_TEST(store.list().back().is_superseded);
  BOOST_TEST(is_state(*store.load_newest_verified(), 1));
  store.save(SmallState(3).snapshot());
  BOOST_TEST(objects.list("step-000000000002").empty());  // retention takes it away, not the one that the run went on from
  BOOST_TEST(store.list().size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_commit_of_a_replaced_process_is_better_than_none, LateCommit) {
  objects.contents["step-000000000001-a000001-n000001/weights.safetensors"][5000] ^= 1;
  std::vector<std::string> damaged;
  const auto loaded = CheckpointStore(objects, small_options()).load_newest_verified([&](const CheckpointDamage& damage) { damaged.push_back(damage.id); });
  BOOST_TEST(damaged == std::vector<std::string>{"step-000000000001-a000001-n000001"}, boost::test_tools::per_element());
  BOOST_TEST(is_state(*loaded, 2));
}

BOOST_AUTO_TEST_CASE(the_newest_good_one_is_found_behind_newer_ones_that_are_not) {
  MemoryStore objects;
  CheckpointStore store(objects, small_options());
  BOOST_TEST(!store.newest_good().has_value());
  BOOST_TEST(!store.load_newest_good().has_value());
  const std::string first = store.save(SmallState(1).snapshot()).info.id, second = store.save(SmallState(2).snapshot()).info.id;
  store.save(SmallState(3).snapshot());
  BOOST_TEST(store.mark_good(first));
  BOOST_TEST(store.newest_good()->id == first);
  BOOST_TEST(store.mark_good(second));
  BOOST_TEST(store.newest_good()->id == second);
  BOOST_TEST(is_state(*store.load_newest_good(), 2));
  BOOST_TEST(is_state(*store.load_newest_verified(), 3));
  objects.contents[second + "/optimizer.safetensors"][5000] ^= 1;
  BOOST_TEST(is_state(*store.load_newest_good(), 1));
}

BOOST_AUTO_TEST_CASE(a_newer_format_is_refused_and_nothing_older_takes_its_place) {
  MemoryStore objects;
  CheckpointStore(objects, small_options()).save(SmallState(1).snapshot());
  const std::string newer = CheckpointStore(objects, small_options()).save(SmallState(2).snapshot()).info.id;
  std::string& commit = objects.contents[newer + "/commit"];
  std::string line(unseal(commit));
  commit = seal(line.replace(line.find("\"format\":1"), 10, "\"format\":2"));
  CheckpointStore store(objects, small_options());
  BOOST_CHECK_EXCEPTION(store.load_newest_verified(), Error, [&](const Error& error) {
    return error.code() == ExitCode::kCheckpointUnreadable && std::string(error.what()).find(newer + ": commit is of format 2, this program reads format 1") != std::string::npos;
  });
  BOOST_TEST(store.list().back().is_newer_format);
  for (uint64_t step = 3; step < 7; ++step) store.save(SmallState(step).snapshot());
  BOOST_TEST(objects.contents.contains(newer + "/commit"));  // retention leaves what it cannot judge
}

BOOST_AUTO_TEST_CASE(a_claim_that_cannot_be_understood_replaces_nobody) {
  MemoryStore objects;
  CheckpointStore(objects, small_options()).save(SmallState(1).snapshot());
  objects.contents["attempts/000007"] = "torn";
  CheckpointStore store(objects, small_options());
  BOOST_TEST(is_state(*store.load_newest_verified(), 1));
  BOOST_TEST(store.save(SmallState(2).snapshot()).info.attempt == 8u);
}

BOOST_AUTO_TEST_CASE(claims_that_race_get_numbers_of_their_own) {
  MemoryStore objects;
  HookedStore hooked(objects);
  int num_rivals = 3;
  hooked.before = [&](const std::string& verb, const std::string&) {
    if (verb == "create" && num_rivals-- > 0) claim_attempt(objects, "", "rival");
  };
  BOOST_TEST(claim_attempt(hooked, "", "run") == 4u);
  BOOST_TEST(newest_attempt(objects, "") == 4u);
  BOOST_TEST(objects.list("attempts/").size() == 1u);
}

BOOST_AUTO_TEST_CASE(checkpoints_that_were_copied_here_without_their_claims_are_not_touched) {
  MemoryStore objects;
  CheckpointStore(objects, small_options()).save(SmallState(9).snapshot());
  objects.contents.erase("attempts/000001");
  CheckpointStore store(objects, small_options());
  BOOST_TEST(store.save(SmallState(9).snapshot()).info.attempt == 2u);
  BOOST_TEST(store.list().size() == 2u);
}

BOOST_AUTO_TEST_CASE(any_state_comes_back) {
  const bool is_law = rc::check("load(save(x)) == x", [] {
    MemoryStore objects;
    objects.part_bytes = *rc::gen::element<uint64_t>(0, 4096, 8192, 16384);
    StoreOptions options = small_options();
    options.num_threads = *rc::gen::inRange(1u, 4u);
    const auto payloads = *rc::gen::container<std::vector<std::string>>(rc::gen::arbitrary<std::string>());
    const bool is_large = *rc::gen::arbitrary<bool>();
    const std::string large(is_large ? 50'001 : 0, 'x');
    std::vector<TensorView> tensors;
    for (size_t i = 0; i < payloads.size(); ++i)
      tensors.push_back({"t" + std::to_string(i), "U8", {static_cast<int64_t>(payloads[i].size())}, reinterpret_cast<const std::byte*>(payloads[i].data()), payloads[i].size()});
    tensors.push_back({"large", "BOOL", {1, static_cast<int64_t>(large.size())}, reinterpret_cast<const std::byte*>(large.data()), large.size()});
    Snapshot snapshot{tensors, {}, tensors, {}, payloads.empty() ? "" : payloads[0], 3, 2, "h", {}};
    for (const std::string& payload : payloads) snapshot.plugin_states.push_back({"kind/p" + std::to_string(snapshot.plugin_states.size()), payload.empty() ? "" : "1", payload});
    CheckpointStore(objects, options).save(snapshot);
    const auto loaded = CheckpointStore(objects, options).load_newest_verified();
    RC_ASSERT(loaded.has_value());
    RC_ASSERT(loaded->weights.size() == tensors.size() && loaded->optimizer.empty() && loaded->engine.size() == tensors.size());
    for (const TensorView& wanted : tensors) {
      const auto got = std::find_if(loaded->weights.begin(), loaded->weights.end(), [&](const TensorView& view) { return view.name == wanted.name; });
      RC_ASSERT(got != loaded->weights.end() && got->shape == wanted.shape && bytes_of(*got) == bytes_of(wanted));
    }
    RC_ASSERT(loaded->run_state_json == snapshot.run_state_json);
    for (size_t i = 0; i < snapshot.plugin_states.size(); ++i) RC_ASSERT(loaded->plugin_states[i].bytes == snapshot.plugin_states[i].bytes);
  });
  BOOST_TEST(is_law);
}

BOOST_AUTO_TEST_SUITE_END()
