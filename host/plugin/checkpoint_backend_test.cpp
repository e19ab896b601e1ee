// Backends through their C table: puts end exactly once, reads are exit 14, writes exit 16.
#include "plugin/checkpoint_backend.h"

#include "plugin/plugin_testing.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(checkpoint_backend_test)

namespace {

struct Backend {
  Trace trace;
  std::unique_ptr<Instance> instance;
  CheckpointBackend backend;
  explicit Backend(std::string_view behaviour = "")
      : instance(Instance::create(zoo_record("kinds", "zoo_backend"), trace.config(behaviour))), backend(*instance) {}
};

const std::vector<std::byte> kPart(4096);

}  // namespace

BOOST_AUTO_TEST_CASE(a_put_is_committed_once) {
  const Backend zoo;
  {
    CheckpointBackend::Put put = zoo.backend.begin("runs/a", 8192);
    BOOST_TEST(put.part_bytes() == 4096);
    put.part(0, kPart, 0);
    CheckpointBackend::Put moved(std::move(put));
    moved.part(4096, kPart, 0);
    moved.commit();
  }
  BOOST_TEST(zoo.trace.text() == "create put_begin put_part put_part put_commit ");
}

BOOST_AUTO_TEST_CASE(a_put_that_is_left_is_aborted) {
  const Backend zoo;
  zoo.backend.begin("runs/a", 8192).part(0, kPart, 0);
  BOOST_TEST(zoo.trace.text() == "create put_begin put_part put_abort ");
}

BOOST_AUTO_TEST_CASE(a_failed_commit_is_not_aborted_again) {
  const Backend zoo("no_commit");
  expect_error(ExitCode::kCheckpointUnwritable, {"put_commit: UNAVAILABLE: lost the answer"}, [&] { zoo.backend.begin("runs/a", 1).commit(); });
  BOOST_TEST(zoo.trace.text() == "create put_begin put_commit ");
}

BOOST_AUTO_TEST_CASE(what_may_be_retried_is_marked) {
  const Backend zoo;
  const CheckpointBackend::Put put = zoo.backend.begin("runs/a", 12288);
  try {
    put.part(8192, kPart, 0);
    BOOST_ERROR("nothing was thrown");
  } catch (const PluginCallError& error) {
    BOOST_TEST(error.is_retryable());
    BOOST_TEST(static_cast<int>(error.code()) == static_cast<int>(ExitCode::kCheckpointUnwritable));
  }
}

BOOST_AUTO_TEST_CASE(a_put_that_makes_no_sense_is_refused_and_aborted) {
  const Backend odd("odd_parts");
  expect_error(ExitCode::kPlugin, {"checkpoint_backend/zoo_backend: put_begin: part_bytes is 1000, wanted a multiple of 4096"},
               [&] { odd.backend.begin("a", 1); });
  BOOST_TEST(odd.trace.text() == "create put_begin put_abort ");
  expect_error(ExitCode::kPlugin, {"put_begin: returned OK without a put"}, [] { Backend("no_put").backend.begin("a", 1); });
  expect_error(ExitCode::kCheckpointUnwritable, {"put_begin: RESOURCE_EXHAUSTED: no space left"}, [] { Backend("full").backend.begin("a", 1); });
}

BOOST_AUTO_TEST_CASE(create_tells_whether_it_won) {
  const Backend zoo;
  BOOST_TEST(zoo.backend.create("runs/commit", "{}"));
  BOOST_TEST(!zoo.backend.create("taken", "{}"));
}

BOOST_AUTO_TEST_CASE(get_reads_up_to_the_end) {
  const Backend zoo;
  std::vector<std::byte> out(6);
  BOOST_TEST(zoo.backend.get("there", 0, out) == 4);
  BOOST_TEST(static_cast<char>(out[3]) == 'z');
  try {
    zoo.backend.get("absent", 0, out);
    BOOST_ERROR("nothing was thrown");
  } catch (const PluginCallError& error) {
    BOOST_TEST(error.status() == TRAINHOST_NOT_FOUND);
    BOOST_TEST(static_cast<int>(error.code()) == static_cast<int>(ExitCode::kCheckpointUnreadable));
  }
  expect_error(ExitCode::kPlugin, {"get: got 7 bytes of 6, more than asked for"}, [&] { Backend("greedy").backend.get("there", 0, out); });
}

BOOST_AUTO_TEST_CASE(list_is_ordered_and_under_its_prefix) {
  const Backend zoo;
  const std::vector<StoredObject> objects = zoo.backend.list("runs/");
  BOOST_REQUIRE(objects.size() == 2);
  BOOST_TEST(objects[0].key == "runs/a");
  BOOST_TEST(objects[1].size == 5);
  BOOST_TEST(objects[1].modified_unix_ms == 123);
  expect_error(ExitCode::kPlugin, {"list: listed \"runs/a\" after \"runs/b\", wanted bytewise order"}, [] { Backend("unsorted").backend.list("runs/"); });
  expect_error(ExitCode::kPlugin, {"listed \"walks/a\", which does not begin with \"runs/\""}, [] { Backend("elsewhere").backend.list("runs/"); });
}

BOOST_AUTO_TEST_CASE(remove_fails_as_a_write) {
  expect_error(ExitCode::kCheckpointUnwritable, {"checkpoint_backend/zoo_backend: remove: PERMISSION_DENIED: read-only"},
               [] { Backend().backend.remove("a"); });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
