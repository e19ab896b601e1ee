// Data in a bucket is what it was in a folder; what the store does wrong is survived or said.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <trainhost/testing.hpp>

#include "remote/testing/bucket.h"

using namespace trainhost;
using namespace trainhost::remote::testing;
using trainhost::remote::RemoteOptions;
using trainhost::testing::status_of;
using trainhost::testing::words_of;

BOOST_FIXTURE_TEST_SUITE(data_files_test, BucketOfFiles)

using Names = std::vector<std::string>;
constexpr size_t kLarge = (20 << 20) + 12345;  // three blocks

void expect_in(const std::string& words, std::initializer_list<std::string> wanted) {
  for (const std::string& word : wanted) BOOST_TEST(words.find(word) != std::string::npos, word << " is not in: " << words);
  BOOST_TEST(words.find("secret+key") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(names_and_order_are_those_of_a_folder) {
  for (const char* name : {"a/x-000.tar", "a/x-001.tar", "a/x-010.tar", "a/deep/x-2.tar", "a/.x-3.tar", "a/.hidden/x-4.tar", "b/y.tar", "a/x+z=&%.tar", "a/x-002.txt"}) put(name, name);
  const std::string local = (folder.path / "data/").string();
  for (const char* page : {"1000", "1", "2"}) {
    server.ask("set page {}", page);
    Opened opened(options());
    for (const Names& patterns : std::vector<Names>{{"a/x-000.tar"},
                                                    {"a/x-00{0..1}.tar"},
                                                    {"a/*.tar"},
                                                    {"{a,b}/*.tar"},
                                                    {"**/*.tar"},
                                                    {"a/**"},
                                                    {"a/x-0?0.tar", "b/y.tar", "a/x-000.tar"},
                                                    {"a/deep/*"}}) {
      Names here, there;
      for (const std::string& pattern : patterns) here.push_back(local + pattern), there.push_back("s3://bucket/" + pattern);
      BOOST_TEST(opened.names(there) == opened.names(here), boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_list_takes_one_request_whatever_it_names) {
  for (int i = 0; i < 20; ++i) put(format("x-{:03}.tar", i), "tar");
  Opened opened(options());
  BOOST_TEST(opened.names({"s3://bucket/x-{000..019}.tar"}).size() == 20u);
  BOOST_TEST(server.ask("count .") == "1");
}

BOOST_AUTO_TEST_CASE(what_is_not_there_is_said) {
  put("a/x-000.tar", "tar");
  Opened opened(options());
  for (const auto& [pattern, words] : std::map<std::string, std::string>{{"s3://bucket/a/x-001.tar", "does not exist"},
                                                                         {"s3://bucket/a/x-{000..001}.tar", "\"s3://bucket/a/x-001.tar\" does not exist"},
                                                                         {"s3://bucket/{a,b}/*.tar", "\"s3://bucket/b/*.tar\" matches no object"},
                                                                         {"s3://other/x.tar", "s3://other/x.tar"}}) {
    BOOST_TEST(status_of([&] { opened.names({pattern}); }) == TRAINHOST_NOT_FOUND);
    expect_in(words_of([&] { opened.names({pattern}); }), {"tarshards.files", words});
  }
  for (const std::string pattern : {"s3://bucket", "s3://b*/x", "s3://", "s3:///x", "s3://bucket/x-{0..}.tar", "s3://bucket/[ab]"})
    BOOST_TEST(status_of([&] { opened.names({pattern}); }) == TRAINHOST_INVALID_ARGUMENT, pattern);
}

BOOST_AUTO_TEST_CASE(bytes_size_and_hash_are_those_of_the_file) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{100'000}, size_t{8} << 20, kLarge}) {
    put("object", noise(size, size));
    Opened opened(options());
    const std::string uri = opened.files.list(Names{"s3://bucket/object"}, "k").at(0).path;
    const InputFile here(folder.path / "data/object");
    const auto there = opened.files.input(uri, InputFile::Keep::kClosed);
    BOOST_TEST(there->size() == size);
    BOOST_TEST((there->content_hash() == here.content_hash()));
    BOOST_TEST((opened.content("s3://bucket/object") == noise(size, size)));
    std::byte behind;
    BOOST_TEST(status_of([&] { there->read(size, {&behind, 1}); }) == TRAINHOST_DATA_LOSS);
  }
}

BOOST_AUTO_TEST_CASE(small_reads_at_any_place) {
  put("object", noise(kLarge));
  for (const char* limit : {"1GB", "0"}) {
    auto settings = options();
    settings.cache_limit = limit;
    Opened opened(settings);
    const std::string uri = opened.files.list(Names{"s3://bucket/object"}, "k").at(0).path;
    const auto file = opened.files.open_object(uri);
    for (const uint64_t offset : {uint64_t{0}, uint64_t{16383}, uint64_t{(8 << 20) - 1}, uint64_t{(16 << 20) - 70'000}, uint64_t{kLarge - 1}}) {
      std::string bytes(std::min<uint64_t>(100'000, kLarge - offset), '\0');
      file->read(offset, std::as_writable_bytes(std::span(bytes)));
      BOOST_TEST((bytes == noise(kLarge).substr(offset, bytes.size())));
    }
  }
}

BOOST_AUTO_TEST_CASE(without_a_cache_no_more_is_read_than_asked_for) {
  put("object", noise(kLarge));
  auto settings = options();
  settings.cache_limit = "0";
  Opened opened(settings);
  const auto file = opened.files.open_object(opened.files.list(Names{"s3://bucket/object"}, "k").at(0).path);
  std::string bytes(1000, '\0');
  file->read(5'000'000, std::as_writable_bytes(std::span(bytes)));
  BOOST_TEST(served() == 1000u);
  BOOST_TEST(!std::filesystem::exists(folder.path / "cache"));
}

BOOST_AUTO_TEST_CASE(what_was_read_once_is_not_fetched_again) {
  put("object", noise(kLarge));
  for (int run = 0; run < 2; ++run) BOOST_TEST((Opened(options()).content("s3://bucket/object") == noise(kLarge)));
  BOOST_TEST(served() == kLarge);
  put("object", noise(kLarge, 2));  // another ETag
  BOOST_TEST((Opened(options()).content("s3://bucket/object") == noise(kLarge, 2)));
}

BOOST_DATA_TEST_CASE(passing_faults_are_not_noticed, boost::unit_test::data::make({"status=503,SlowDown", "status=503,SlowDown,0", "status=500,InternalError", "status=429", "reset", "lost", "cut"}),
                     fault) {
  put("object", noise(kLarge));
  Opened opened(options());
  server.ask("fault 3 {} ^GET .*/object", fault);
  server.ask("fault 1 {} list-type", fault);
  opened.names({"s3://bucket/obj*"});
  BOOST_TEST((opened.content("s3://bucket/object") == noise(kLarge)));
}

BOOST_AUTO_TEST_CASE(an_object_that_changes_while_it_is_read_is_an_error) {
  put("object", noise(kLarge));
  for (const char* conditions : {"on", "ignored"}) {  // a store may not know If-Match
    server.ask("set conditions {}", conditions);
    for (const size_t size : {kLarge, kLarge - 1}) {
      put("object", noise(kLarge));
      Opened opened(options(format("cache-{}-{}", conditions, size)));
      const auto file = opened.files.open_object(opened.files.list(Names{"s3://bucket/object"}, "k").at(0).path);
      put("object", noise(size, 2));
      std::string bytes(1000, '\0');
      const auto read = [&] { file->read(0, std::as_writable_bytes(std::span(bytes))); };
      BOOST_TEST(status_of(read) == TRAINHOST_DATA_LOSS);
      expect_in(words_of(read), {"s3://bucket/object", "changed since the run began", "ETag"});
      server.ask("drop object");
      BOOST_TEST(status_of(read) == TRAINHOST_DATA_LOSS);
      expect_in(words_of(read), {"s3://bucket/object", "it is gone"});
    }
  }
}

BOOST_AUTO_TEST_CASE(a_listing_without_etags_will_do) {
  put("a", "one");
  put("b", "two");
  server.ask("set list_etags no");
  Opened opened(options());
  const auto file = opened.files.open_object(opened.files.list(Names{"s3://bucket/{a,b}"}, "k").at(1).path);
  BOOST_TEST(file->version().size() > 10u);
  BOOST_TEST(opened.content("s3://bucket/?", 0, 3) == "one");
}

BOOST_AUTO_TEST_CASE(a_store_that_stays_away_is_unavailable) {
  put("object", noise(100));
  Opened opened(options());
  const auto file = opened.files.open_object(opened.files.list(Names{"s3://bucket/object"}, "k").at(0).path);
  server.ask("fault 99 status=503,SlowDown ^GET ");
  std::string bytes(100, '\0');
  const auto read = [&] { file->read(0, std::as_writable_bytes(std::span(bytes))); };
  BOOST_TEST(status_of(read) == TRAINHOST_UNAVAILABLE);
  expect_in(words_of(read), {"s3://bucket/object", "503", "SlowDown"});
  server.ask("forget");
  read();
  BOOST_TEST((bytes == noise(100)));
}

BOOST_AUTO_TEST_CASE(mistakes_name_the_keys_of_the_source) {
  put("object", "x");
  const auto words = [&](const RemoteOptions& settings) { return words_of([&] { Opened(settings).names({"s3://bucket/object"}); }); };
  auto settings = options();
  settings.s3_endpoint = "";
  expect_in(words(settings), {"s3://bucket", "tarshards.s3_region", "tarshards.s3_endpoint"});
  settings.s3_endpoint = "127.0.0.1";
  expect_in(words(settings), {"tarshards.s3_endpoint", "http://HOST"});
  settings.s3_endpoint = "http://127.0.0.1:1";
  expect_in(words(settings), {"http://127.0.0.1:1", "tarshards.s3_endpoint"});
  server.ask("set region eu-west-1");
  expect_in(words_of([&] { Opened(options()).names({"s3://bucket/*"}); }), {"eu-west-1", "tarshards.s3_region"});
  server.ask("set region us-east-1");
  const Variable wrong("AWS_SECRET_ACCESS_KEY", "hunter2");
  expect_in(words_of([&] { Opened(options()).names({"s3://bucket/*"}); }), {"the environment"});
}

BOOST_AUTO_TEST_CASE(a_read_ends_when_the_host_cancels_it) {
  put("object", noise(100));
  Opened opened(options());
  const auto file = opened.files.open_object(opened.files.list(Names{"s3://bucket/object"}, "k").at(0).path);
  server.ask("fault 99 status=503,SlowDown,30 ^GET ");
  std::jthread canceller([&] {
    while (server.ask("count ^GET .*/object") == "0") std::this_thread::yield();
    opened.fake.is_cancelled = true;
  });
  std::string bytes(100, '\0');
  BOOST_TEST(status_of([&] { file->read(0, std::as_writable_bytes(std::span(bytes))); }) == TRAINHOST_CANCELLED);
}

BOOST_AUTO_TEST_CASE(a_cache_that_cannot_be_written_is_gone_without_and_said_once) {
  put("object", noise(kLarge));
  auto settings = options();
  settings.cache_dir = folder.write("file", "") + "/below";
  Opened opened(settings);
  for (int i = 0; i < 3; ++i) BOOST_TEST((opened.content("s3://bucket/object") == noise(kLarge)));
  const auto lines = opened.fake.log();
  const auto num_warnings = std::count_if(lines.begin(), lines.end(), [](const auto& line) { return line.level == TRAINHOST_LOG_WARNING; });
  BOOST_TEST(num_warnings == 1);
  BOOST_TEST(opened.fake.has_logged(TRAINHOST_LOG_WARNING, "tarshards.cache_dir"));
}

BOOST_AUTO_TEST_SUITE_END()
