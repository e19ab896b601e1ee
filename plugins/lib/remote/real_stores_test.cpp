// Stores that others wrote, started here: moto, which checks signatures, and Ceph's radosgw. boto3 writes what is listed and read.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <sstream>

#include <trainhost/testing.hpp>

#include "remote/testing/bucket.h"

using namespace trainhost;
using namespace trainhost::remote::testing;

BOOST_AUTO_TEST_SUITE(real_stores_test)

struct RealStore {
  explicit RealStore(const std::string& name) : server("real_server.py", {name}) {
    std::istringstream words(server.first_line());
    std::string key_id, secret;
    words >> options.s3_endpoint >> key_id >> secret;
    const std::pair<const char*, std::string> wanted[] = {{"AWS_ACCESS_KEY_ID", key_id}, {"AWS_SECRET_ACCESS_KEY", secret}, {"AWS_SESSION_TOKEN", ""}, {"AWS_PROFILE", ""}, {"AWS_REGION", ""}};
    for (const auto& [variable, value] : wanted) variables.push_back(std::make_unique<Variable>(variable, value));
    options.cache_dir = (folder.path / "cache").string();
  }
  void put(const std::string& key, const std::string& bytes) { BOOST_TEST_REQUIRE(server.ask("put {} {}", key, folder.write("data/" + key, bytes)) == "ok"); }

  Server server;
  trainhost::testing::TemporaryFolder folder;
  remote::RemoteOptions options;
  std::vector<std::unique_ptr<Variable>> variables;
};

BOOST_DATA_TEST_CASE(what_boto3_wrote_is_listed_and_read, boost::unit_test::data::make({"moto", "radosgw"}), store) {
  RealStore real(store);
  constexpr size_t kLarge = (20 << 20) + 12345;
  real.put("a/x-000.tar", noise(kLarge));  // in parts: another kind of ETag
  real.put("a/x-001.tar", noise(100'000, 2));
  real.put("a/b+c&d=%.txt", "text");
  Opened opened(real.options);
  const std::vector<std::string> tars{"x-000.tar", "x-001.tar"};
  for (const char* pattern : {"s3://bucket/a/x-{000..001}.tar", "s3://bucket/**/*.tar"}) BOOST_TEST(opened.names({pattern}) == tars, boost::test_tools::per_element());
  BOOST_TEST(opened.names({"s3://bucket/a/*"}).size() == 3u);
  BOOST_TEST((opened.content("s3://bucket/a/x-000.tar") == noise(kLarge)));
  BOOST_TEST((opened.content("s3://bucket/a/x-00?.tar", 77, 1000) == noise(kLarge).substr(77, 1000)));

  const auto file = opened.files.open_object(opened.files.list(std::vector<std::string>{"s3://bucket/a/x-001.tar"}, "k").at(0).path);
  real.put("a/x-001.tar", noise(100'000, 3));
  std::byte byte;
  const std::string words = trainhost::testing::words_of([&] { file->read(5, {&byte, 1}); });
  BOOST_TEST(words.find("changed since the run began") != std::string::npos, words);
}

BOOST_AUTO_TEST_SUITE_END()
