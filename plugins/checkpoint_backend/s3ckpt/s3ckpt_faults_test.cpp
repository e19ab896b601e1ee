// What the network and the store do wrong, and what the user did: each against the scripted server.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <thread>

#include "testing/backend.h"

using namespace s3ckpt::testing;
using namespace trainhost::testing;
namespace data = boost::unit_test::data;

namespace {

constexpr size_t kPart = 5 << 20;
const std::string kConfig = "\"part_bytes\":5242880,\"timeout_seconds\":2";

struct Store {
  Variable id{"AWS_ACCESS_KEY_ID", "TESTKEY"}, secret{"AWS_SECRET_ACCESS_KEY", "test/secret+key"}, token{"AWS_SESSION_TOKEN", ""}, profile{"AWS_PROFILE", ""},
      region{"AWS_REGION", ""};
  Server server{"fault_server.py"};
  std::string url = server.first_line();

  /// Says so when a word is missing, or a secret is there.
  void expect_words(const std::string& words, std::initializer_list<const char*> wanted) {
    BOOST_TEST_MESSAGE(words);
    for (const char* word : wanted) BOOST_TEST(words.find(word) != std::string::npos, word << " is not in: " << words);
    BOOST_TEST(words.find("secret+key") == std::string::npos);
    BOOST_TEST(words.find("Signature=") == std::string::npos);
  }
};

/// What passes by itself: nobody but the log may notice.
const std::vector<std::string> kPassing{"status=500,InternalError",
                                        "status=503,SlowDown",
                                        "status=429",
                                        "status=408",
                                        "status=400,RequestTimeout",
                                        "status=503,SlowDown,0",
                                        "reset",
                                        "lost",
                                        "status=409,ConditionalRequestConflict",
                                        "status=502",
                                        "error200"};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(s3ckpt_faults_test, Store)

BOOST_DATA_TEST_CASE(passing_faults_are_survived_by_every_verb, data::make(kPassing), action) {
  Backend backend(url, kConfig);
  backend.create("before", "x");  // the look at conditional writes
  const bool is_only_for_posts = action == "error200";
  const bool needs_code = action.starts_with("status=4") && action.find(',') != std::string::npos;  // the answer to HEAD has no body to hold it
  const std::string bytes = pattern_bytes(2 * kPart + 3);
  for (const char* pattern : {"^PUT .*/small", "^PUT .*/created", "^HEAD .*/large", "^POST .*/large\\?uploads", "^PUT .*partNumber=2",
                              "^POST .*/large\\?uploadId", "^GET .*/large", "^GET .*list-type", "^DELETE "})
    if ((!is_only_for_posts || std::string_view(pattern).starts_with("^POST")) && !(needs_code && std::string_view(pattern).starts_with("^HEAD")))
      server.ask("fault 1 {} {}", action, pattern);
  backend.put("small", "s");
  backend.create("created", "c");
  backend.put("large", bytes);
  BOOST_TEST((backend.get("large", 0, bytes.size()) == bytes));
  BOOST_TEST((backend.list() == std::vector<std::string>{"before", "created", "large", "small"}));
  backend.remove("small");
  BOOST_TEST((backend.list("small") == std::vector<std::string>{}));
  BOOST_TEST(backend.get("created") == "c");
  if (!is_only_for_posts) BOOST_TEST(std::stoi(server.ask("count ^PUT .*partNumber=2")) == 2);
}

BOOST_AUTO_TEST_CASE(a_cut_body_is_read_again) {
  Backend backend(url, kConfig);
  const std::string bytes = pattern_bytes(300'000);
  backend.put("a", bytes);
  server.ask("fault 2 cut ^GET .*/a$");
  BOOST_TEST((backend.get("a", 1000, 200'000) == bytes.substr(1000, 200'000)));
  server.ask("fault 1 cut list-type");
  BOOST_TEST((backend.list() == std::vector<std::string>{"a"}));
}

BOOST_AUTO_TEST_CASE(a_body_that_was_damaged_on_the_way_is_read_again) {
  Backend backend(url, kConfig);
  backend.put("a", "hello");
  server.ask("fault 2 damage ^GET .*/a$");
  BOOST_TEST(backend.get("a") == "hello");
}

BOOST_AUTO_TEST_CASE(damage_in_the_store_is_data_loss) {
  Backend backend(url, kConfig + ",\"tries\":2");
  backend.put("a", "hello");
  server.ask("damage runs/a/a");
  BOOST_TEST(status_of([&] { backend.get("a"); }) == TRAINHOST_DATA_LOSS);
  expect_words(words_of([&] { backend.get("a"); }), {"s3://bucket/runs/a/a", "checksum"});
}

BOOST_AUTO_TEST_CASE(a_store_that_ignores_ranges_is_not_believed) {
  Backend backend(url, kConfig + ",\"tries\":2");
  backend.put("a", pattern_bytes(1000));
  server.ask("fault 9 no_range ^GET .*/a$");
  BOOST_TEST((backend.get("a", 0, 2000) == pattern_bytes(1000)));
  BOOST_TEST(status_of([&] { backend.get("a", 10, 990); }) != TRAINHOST_OK);
  BOOST_TEST(status_of([&] { backend.get("a", 0, 10); }) != TRAINHOST_OK);
}

BOOST_AUTO_TEST_CASE(an_error_inside_a_200_is_an_error) {
  Backend backend(url, kConfig + ",\"tries\":2");
  server.ask("fault 9 error200=InternalError ^POST .*uploadId");
  BOOST_TEST(status_of([&] { backend.put("a", pattern_bytes(kPart + 1)); }) == TRAINHOST_UNAVAILABLE);
  BOOST_TEST((backend.list() == std::vector<std::string>{}));
  BOOST_TEST(server.ask("uploads") == "0");
}

BOOST_AUTO_TEST_CASE(a_lost_reply_to_a_commit_is_a_commit) {
  Backend backend(url, kConfig);
  server.ask("fault 1 lost ^POST .*uploadId");
  backend.put("large", pattern_bytes(kPart + 1));
  BOOST_TEST(server.ask("count ^POST .*uploadId") == "2");
  server.ask("fault 1 lost ^PUT .*/small");
  backend.put("small", "s");
  BOOST_TEST(server.ask("count ^PUT .*/small") == "2");
  BOOST_TEST(backend.get("small") == "s");
}

BOOST_AUTO_TEST_CASE(a_stalled_answer_is_given_up_and_asked_for_again) {
  Backend backend(url, "\"timeout_seconds\":1");
  backend.put("a", "hello");
  server.ask("fault 1 stall ^GET .*/a$");
  BOOST_TEST(backend.get("a") == "hello");
  BOOST_TEST(server.ask("count ^GET .*/a$") == "2");
}

/// Far from a stall: nothing is asked for twice.
BOOST_AUTO_TEST_CASE(slow_answers_are_waited_for) {
  Backend backend(url, kConfig);
  backend.create("before", "x");  // the look at conditional writes
  server.ask("fault 999 slow=0.3 .");
  const std::string bytes = pattern_bytes(2 * kPart + 3);
  backend.put("large", bytes);
  backend.create("created", "c");
  BOOST_TEST((backend.get("large", 0, bytes.size()) == bytes));
  BOOST_TEST((backend.list() == std::vector<std::string>{"before", "created", "large"}));
  backend.remove("created");
  server.ask("forget");
  for (const char* pattern : {"^HEAD .*/large", "^POST .*/large\\?uploads", "^PUT .*partNumber=1&", "^PUT .*partNumber=2&", "^PUT .*partNumber=3&", "^POST .*/large\\?uploadId",
                              "^PUT .*/created", "^DELETE .*/created"})
    BOOST_TEST(server.ask("count {}", pattern) == "1", pattern);
}

BOOST_AUTO_TEST_CASE(what_does_not_pass_is_unavailable_in_the_end) {
  Backend backend(url, "\"tries\":3");
  server.ask("fault 99 status=503,SlowDown ^PUT ");
  BOOST_TEST(status_of([&] { backend.put("a", "x"); }) == TRAINHOST_UNAVAILABLE);
  BOOST_TEST(server.ask("count ^PUT ") == "3");
  expect_words(words_of([&] { backend.put("a", "x"); }), {"s3://bucket/runs/a/a", "PUT", "503", "SlowDown"});
}

BOOST_AUTO_TEST_CASE(cancellation_and_deadline_end_a_call_that_waits) {
  Backend backend(url, "\"tries\":20");
  server.ask("fault 999 status=503 ^GET .*/a$");
  server.ask("fault 9 stall ^GET .*/b$");
  {
    const std::jthread canceller([&] {
      while (server.ask("count ^GET .*/a$") == "0") std::this_thread::yield();
      backend.host().is_cancelled = true;
    });
    BOOST_TEST(status_of([&] { backend.get("a"); }) == TRAINHOST_CANCELLED);
  }
  backend.host().is_cancelled = false;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  for (const char* key : {"a", "b"}) {
    backend.host().deadline_ns = std::chrono::nanoseconds(now + std::chrono::milliseconds(300)).count();
    BOOST_TEST(status_of([&] { backend.get(key); }) == TRAINHOST_DEADLINE_EXCEEDED);
  }
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_off_is_corrected_once) {
  for (const int offset : {3600, -3600}) {
    server.ask("set clock_offset {}", offset);
    Backend backend(url, kConfig);
    backend.put("a-" + std::to_string(offset), "x");
    BOOST_TEST(backend.host().has_logged(TRAINHOST_LOG_WARNING, "clock"));
  }
  BOOST_TEST(server.ask("count list-type") == "4");  // one refusal each
}

BOOST_AUTO_TEST_CASE(a_clock_that_goes_off_while_running_is_corrected_behind_head_too) {
  Backend backend(url, kConfig);
  server.ask("set clock_offset 7200");
  backend.put("a", "x");
  BOOST_TEST(backend.get("a") == "x");
}

BOOST_AUTO_TEST_CASE(a_store_without_checksums_is_used_without) {
  server.ask("set checksums refused");
  Backend backend(url, kConfig);
  backend.put("small", "s");
  BOOST_TEST(backend.host().has_logged(TRAINHOST_LOG_WARNING, "x-amz-checksum-crc32c"));
  backend.put("large", pattern_bytes(kPart + 1));
  backend.create("c", "c");
  BOOST_TEST((backend.get("large", 0, kPart + 1) == pattern_bytes(kPart + 1)));
}

BOOST_AUTO_TEST_CASE(a_store_without_conditions_on_completion_is_used_without) {
  Backend backend(url, kConfig);
  server.ask("fault 1 status=501,NotImplemented ^POST .*uploadId");
  backend.put("large", pattern_bytes(kPart + 1));
  BOOST_TEST(server.ask("header if-none-match ^POST .*uploadId") == "");
}

BOOST_AUTO_TEST_CASE(a_bucket_that_does_not_exist_is_refused_at_start) {
  BOOST_TEST(status_of([&] { Backend backend(url, "", "s3://nowhere/x"); }) == TRAINHOST_NOT_FOUND);
  expect_words(words_of([&] { Backend backend(url, "", "s3://nowhere/x"); }), {"s3://nowhere", "404", "NoSuchBucket", "checkpoint.uri"});
}

BOOST_AUTO_TEST_CASE(wrong_keys_are_refused_at_start) {
  {
    const Variable wrong("AWS_SECRET_ACCESS_KEY", "wrong");
    BOOST_TEST(status_of([&] { Backend backend(url); }) == TRAINHOST_PERMISSION_DENIED);
    expect_words(words_of([&] { Backend backend(url); }), {"403", "SignatureDoesNotMatch", "secret key", "the environment"});
  }
  const Variable unknown("AWS_ACCESS_KEY_ID", "NOBODY");
  expect_words(words_of([&] { Backend backend(url); }), {"403", "InvalidAccessKeyId", url.c_str()});
}

BOOST_AUTO_TEST_CASE(a_wrong_region_says_the_right_one) {
  server.ask("set region eu-central-1");
  BOOST_TEST(status_of([&] { Backend backend(url); }) == TRAINHOST_INVALID_ARGUMENT);
  expect_words(words_of([&] { Backend backend(url); }), {"400", "\"us-east-1\"", "region = \"eu-central-1\""});
  Backend backend(url, "\"region\":\"eu-central-1\"");
  backend.put("a", "x");
  const Variable own_region("AWS_REGION", "eu-central-1");
  Backend another(url);
  BOOST_TEST(another.get("a") == "x");
}

BOOST_AUTO_TEST_CASE(a_redirect_says_that_the_region_is_another) {
  server.ask("fault 9 status=301,PermanentRedirect list-type");
  BOOST_TEST(status_of([&] { Backend backend(url); }) == TRAINHOST_INVALID_ARGUMENT);
  expect_words(words_of([&] { Backend backend(url); }), {"301", "PermanentRedirect", "[s3ckpt] region"});
}

BOOST_AUTO_TEST_CASE(a_read_only_bucket_can_be_read) {
  Backend(url).put("a", "x");
  server.ask("set read_only yes");
  Backend backend(url);
  BOOST_TEST(backend.get("a") == "x");
  BOOST_TEST(status_of([&] { backend.put("b", "x"); }) == TRAINHOST_PERMISSION_DENIED);
  BOOST_TEST(status_of([&] { backend.create("b", "x"); }) == TRAINHOST_PERMISSION_DENIED);
  BOOST_TEST(status_of([&] { backend.remove("a"); }) == TRAINHOST_PERMISSION_DENIED);
  expect_words(words_of([&] { backend.put("b", "x"); }), {"s3://bucket/runs/a/b", "403", "AccessDenied", "s3:PutObject"});
}

BOOST_AUTO_TEST_CASE(an_endpoint_that_is_down_is_unavailable_to_every_call) {
  Backend backend("http://127.0.0.1:1", "\"tries\":2");
  BOOST_TEST(backend.host().has_logged(TRAINHOST_LOG_WARNING, "http://127.0.0.1:1"));
  BOOST_TEST(status_of([&] { backend.list(); }) == TRAINHOST_UNAVAILABLE);
  BOOST_TEST(status_of([&] { backend.begin("a", 1); }) == TRAINHOST_UNAVAILABLE);
  expect_words(words_of([&] { backend.get("a"); }), {"s3://bucket", "http://127.0.0.1:1", "endpoint"});
}

BOOST_AUTO_TEST_CASE(an_endpoint_that_comes_up_later_is_used_and_looked_at_first) {
  server.ask("fault 2 status=503 list-type");
  Backend backend(url, "\"tries\":2");
  backend.put("a", "hello");
  BOOST_TEST(backend.get("a") == "hello");
  BOOST_TEST(server.ask("count list-type") == "3");
  server.ask("fault 2 status=503 list-type");
  Backend other(url, "\"tries\":2", "s3://nowhere/x");
  BOOST_TEST(status_of([&] { other.put("a", "x"); }) == TRAINHOST_NOT_FOUND);
}

BOOST_AUTO_TEST_CASE(what_is_no_store_is_not_taken_for_one) {
  server.ask("fault 99 error200=x list-type");
  BOOST_TEST(status_of([&] { Backend(url, "\"tries\":1").list(); }) == TRAINHOST_UNAVAILABLE);
  const Variable none("AWS_REGION", "");
  for (const char* endpoint : {"127.0.0.1:9000", "ftp://x", "http://"}) {
    PluginUnderTest plugin;
    plugin.create(format(R"({{"uri":"s3://bucket/x","endpoint":"{}"}})", endpoint));
    BOOST_TEST(status_of([&] { plugin.start(); }) == TRAINHOST_INVALID_ARGUMENT);
  }
}

BOOST_AUTO_TEST_CASE(a_full_store_is_resource_exhausted) {
  Backend backend(url);
  server.ask("fault 9 status=403,QuotaExceeded ^PUT ");
  BOOST_TEST(status_of([&] { backend.put("a", "x"); }) == TRAINHOST_RESOURCE_EXHAUSTED);
}

BOOST_AUTO_TEST_SUITE_END()
