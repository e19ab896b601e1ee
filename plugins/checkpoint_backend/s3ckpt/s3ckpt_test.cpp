// The promises of a checkpoint backend, asked of the built file through the C ABI, against a strict store of our own.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <thread>

#include <trainhost/testing/object_cases.hpp>

#include "testing/backend.h"

using namespace s3ckpt::testing;
using namespace trainhost::testing;
namespace data = boost::unit_test::data;

namespace {

using Keys = std::vector<std::string>;
constexpr size_t kPart = 5 << 20;
const std::string kSmallParts = "\"part_bytes\":5242880";

/// A strict store, and the keys for it in the environment.
struct Store {
  Variable id{"AWS_ACCESS_KEY_ID", "TESTKEY"}, secret{"AWS_SECRET_ACCESS_KEY", "test/secret+key"}, token{"AWS_SESSION_TOKEN", ""}, profile{"AWS_PROFILE", ""},
      region{"AWS_REGION", ""}, proxy{"http_proxy", "http://127.0.0.1:1"};
  Server server{"fault_server.py"};
  std::string url = server.first_line();
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(s3ckpt_test, Store)

BOOST_AUTO_TEST_CASE(what_is_put_is_got_at_any_size) {
  Backend backend(url, kSmallParts);
  for (const size_t size : {size_t{0}, size_t{1}, size_t{100'000}, kPart - 1, kPart, kPart + 1, 3 * kPart - 5}) {
    const std::string bytes = pattern_bytes(size), key = format("step-1/object-{}", size);
    backend.put(key, bytes);
    BOOST_TEST((backend.get(key, 0, size + 10) == bytes), "of " << size << " bytes");
    if (size > 0) BOOST_TEST((backend.get(key, size / 2, 50) == bytes.substr(size / 2, 50)));
    BOOST_TEST(backend.get(key, size, 10) == "");
    BOOST_TEST(backend.get(key, size + 100, 10) == "");
  }
  BOOST_TEST(server.ask("count PUT .*partNumber=") == "5");  // only what is longer than a part goes in parts
  BOOST_TEST(server.ask("uploads") == "0");
}

BOOST_AUTO_TEST_CASE(a_small_object_is_one_put) {
  Backend backend(url);
  backend.put("a", "small");
  BOOST_TEST(server.ask("count ^(PUT|POST) ") == "1");
  BOOST_TEST(server.ask("header x-amz-checksum-crc32c ^PUT /bucket/runs/a/a$").size() == 8u);
}

BOOST_AUTO_TEST_CASE(parts_come_in_any_order_from_many_threads_and_twice) {
  Backend backend(url, kSmallParts);
  const std::string bytes = pattern_bytes(4 * kPart + 17);
  uint64_t part_bytes = 0;
  trainhost_put* const put = backend.begin("big", bytes.size(), &part_bytes);
  BOOST_TEST(part_bytes == kPart);
  std::vector<std::jthread> threads;
  for (const size_t index : {4u, 2u, 0u, 3u, 1u, 2u})
    threads.emplace_back([&, index] { backend.part(put, index * kPart, std::string_view(bytes).substr(index * kPart, kPart)); });
  threads.clear();
  BOOST_TEST((backend.list() == Keys{}));
  backend.commit(put);
  BOOST_TEST((backend.get("big", 0, bytes.size()) == bytes));
}

BOOST_AUTO_TEST_CASE(nothing_is_seen_before_commit_and_nothing_stays_after_abort) {
  Backend backend(url, kSmallParts);
  for (const size_t size : {size_t{5}, kPart + 5}) {
    trainhost_put* const put = backend.begin("a/b", size);
    backend.part(put, 0, pattern_bytes(std::min(size, kPart)));
    BOOST_TEST((backend.list() == Keys{}));
    BOOST_TEST(status_of([&] { backend.get("a/b"); }) == TRAINHOST_NOT_FOUND);
    backend.abort(put);
    BOOST_TEST(server.ask("uploads") == "0");
  }
}

BOOST_AUTO_TEST_CASE(a_commit_without_all_parts_fails_and_leaves_nothing) {
  Backend backend(url, kSmallParts);
  for (const size_t size : {size_t{5}, kPart + 5}) {
    trainhost_put* const put = backend.begin("a/b", size);
    BOOST_TEST(status_of([&] { backend.commit(put); }) == TRAINHOST_FAILED_PRECONDITION);
    BOOST_TEST(server.ask("uploads") + server.ask("objects") == "0");
  }
}

BOOST_AUTO_TEST_CASE(bytes_that_changed_in_memory_are_not_sent) {
  Backend backend(url, kSmallParts);
  trainhost_put* const put = backend.begin("a", 5);
  BOOST_TEST(status_of([&] { backend.part_with(put, 0, "hello", 1); }) == TRAINHOST_DATA_LOSS);
  backend.abort(put);
  BOOST_TEST(server.ask("objects") == "");
}

BOOST_AUTO_TEST_CASE(a_key_that_is_taken_is_never_written_over) {
  Backend backend(url, kSmallParts);
  backend.put("a", "mine");
  BOOST_TEST(status_of([&] { backend.begin("a", 4); }) == TRAINHOST_ALREADY_EXISTS);
  for (const size_t size : {size_t{5}, kPart + 5}) {
    const std::string key = format("late-{}", size), bytes = pattern_bytes(size);
    trainhost_put* const put = backend.begin(key, size);
    for (size_t at = 0; at < size; at += kPart) backend.part(put, at, std::string_view(bytes).substr(at, kPart));
    backend.put(key, "somebody was faster");
    BOOST_TEST(status_of([&] { backend.commit(put); }) == TRAINHOST_ALREADY_EXISTS);
    BOOST_TEST(backend.get(key) == "somebody was faster");
  }
  BOOST_TEST(server.ask("uploads") == "0");
}

BOOST_AUTO_TEST_CASE(create_decides_races_and_may_be_repeated) {
  Backend backend(url);
  create_makes_once(backend);
}

BOOST_AUTO_TEST_CASE(the_mark_of_create_goes_with_the_last_object) {
  {
    Backend backend(url);
    backend.create("commit", "x");
  }
  BOOST_TEST(server.ask("objects") == "runs/a/commit runs/a/~conditional-writes");
  {
    Backend backend(url, "", "s3://bucket/other");
    backend.create("commit", "x");
    backend.remove("commit");
  }
  BOOST_TEST(server.ask("objects") == "runs/a/commit runs/a/~conditional-writes");
}

BOOST_AUTO_TEST_CASE(of_many_that_create_at_once_one_wins) {
  Backend first(url), second(url);
  one_creator_wins(first, second, 5);
}

BOOST_AUTO_TEST_CASE(a_store_that_writes_over_objects_is_refused) {
  server.ask("set conditions ignored");
  Backend backend(url);
  const std::string words = words_of([&] { backend.create("commit", "x"); });
  BOOST_TEST_MESSAGE(words);
  BOOST_TEST(words.find("ignores If-None-Match") != std::string::npos);
  BOOST_TEST((backend.list() == Keys{}));
}

BOOST_AUTO_TEST_CASE(keys_are_listed_in_bytewise_order_over_many_pages) {
  server.ask("set page 3");
  Backend backend(url);
  keys_come_in_bytewise_order(backend);
  BOOST_TEST(server.ask("count GET .*list-type=2&prefix=runs%2Fa%2F$") == "4");  // three pages for all, one where two keys are enough
  BOOST_TEST((Backend(url, "", "s3://bucket/runs").list("a/a/") == Keys{"a/a/b/c", "a/a/x"}));
  BOOST_TEST((Backend(url, "", "s3://bucket/run").list() == Keys{}));
}

BOOST_AUTO_TEST_CASE(one_key_more_than_a_page_is_listed_too) {
  server.ask("set page 100");
  Backend backend(url, "\"max_connections\":4");
  std::vector<std::jthread> threads;
  for (int worker = 0; worker < 4; ++worker)
    threads.emplace_back([&, worker] {
      for (int i = worker; i < 101; i += 4) backend.put(format("k/{:04d}", i), "x");
    });
  threads.clear();
  const Keys keys = backend.list("k/");
  BOOST_TEST(keys.size() == 101u);
  BOOST_TEST(std::is_sorted(keys.begin(), keys.end()));
}

BOOST_DATA_TEST_CASE(prefixes_of_any_letters_are_escaped,
                     data::make({"s3://bucket/with space+plus=sign", "s3://bucket/%C3%A4/~x", "s3://bucket/\xc3\xa4(1)*'", "s3://bucket", "s3://bucket/"}),
                     uri) {
  Backend backend(url, kSmallParts, uri);
  backend.put("small", "s");
  backend.create("created", "c");
  backend.put("large", pattern_bytes(kPart + 1));
  BOOST_TEST((backend.list() == Keys{"created", "large", "small"}));
  BOOST_TEST(backend.get("created") + backend.get("small") == "cs");
  backend.remove("small");
  backend.remove("small");
  BOOST_TEST((backend.list() == Keys{"created", "large"}));
}

BOOST_AUTO_TEST_CASE(the_bucket_may_be_in_the_host_name) {
  const std::string port = url.substr(url.rfind(':'));
  Backend backend("http://localhost" + port, kSmallParts + ",\"path_style\":false");
  backend.put("small", "s");
  backend.put("large", pattern_bytes(kPart + 1));
  BOOST_TEST((backend.list() == Keys{"large", "small"}));
  BOOST_TEST(server.ask("count /bucket") == "0");
  BOOST_TEST(server.ask("header host ^PUT /runs/a/small") == "bucket.localhost" + port);
  BOOST_TEST(Backend(url).get("small") == "s");
}

BOOST_AUTO_TEST_CASE(over_tls_the_payload_is_not_hashed_and_strangers_are_not_trusted) {
  const std::filesystem::path certificate = std::filesystem::temp_directory_path() / format("trainhost-certificate-{}.pem", ::getpid());
  Server tls_server("fault_server.py", {certificate});
  const std::string tls_url = tls_server.first_line();
  {
    const std::string words = words_of([&] { Backend backend(tls_url, "\"tries\":1"); });
    BOOST_TEST(words.find("certificate") != std::string::npos, words);
    BOOST_TEST(words.find("AWS_CA_BUNDLE") != std::string::npos, words);
  }
  const Variable bundle("AWS_CA_BUNDLE", certificate);
  Backend backend(tls_url, kSmallParts);
  backend.put("small", "s");
  backend.put("large", pattern_bytes(kPart + 1));
  BOOST_TEST((backend.get("large", 0, kPart + 1) == pattern_bytes(kPart + 1)));
  BOOST_TEST(tls_server.ask("header x-amz-content-sha256 ^PUT .*/small") == "UNSIGNED-PAYLOAD");
  std::filesystem::remove(certificate);
}

BOOST_AUTO_TEST_CASE(keys_that_lead_elsewhere_are_refused) {
  Backend backend(url);
  trainhost::testing::keys_that_lead_elsewhere_are_refused(backend);
}

BOOST_AUTO_TEST_CASE(unfinished_uploads_of_the_dead_are_aborted_by_age) {
  Backend dying(url, kSmallParts);
  dying.begin("old", kPart + 1);
  dying.begin("old-2", kPart + 1);
  server.ask("age_uploads 90000");
  dying.begin("young", kPart + 1);
  Backend other(url, kSmallParts, "s3://bucket/runs/other");
  other.begin("x", kPart + 1);
  server.ask("set page 1");
  Backend living(url, kSmallParts);
  BOOST_TEST(server.ask("uploads") == "4");
  living.put("a", "x");
  BOOST_TEST(server.ask("uploads") == "2");
  BOOST_TEST(living.host().has_logged(TRAINHOST_LOG_INFO, "aborted 2 unfinished uploads"));
  Backend impatient(url, kSmallParts + ",\"orphan_hours\":0");
  impatient.put("b", "x");
  BOOST_TEST(server.ask("uploads") == "1");  // that of the other place
}

BOOST_DATA_TEST_CASE(uris_that_are_no_place_here_are_refused,
                     data::make({"file:/x", "/tmp/x", "s3:bucket", "s3:///x", "s3://", "s3://b", "s3://buck et/x", "s3://bucket//x", "s3://bucket/../x"}),
                     uri) {
  PluginUnderTest plugin;
  BOOST_TEST(status_of([&] { plugin.create(format(R"({{"uri":"{}"}})", uri)); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(without_a_uri_it_can_be_looked_at_but_not_started) {
  PluginUnderTest plugin;
  plugin.create("{}");
  BOOST_TEST(status_of([&] { plugin.start(); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_SUITE_END()
