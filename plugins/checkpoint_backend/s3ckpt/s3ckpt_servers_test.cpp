// Stores that others wrote, started here: moto, which checks signatures, and Ceph's radosgw. boto3 reads what we wrote, and we read what it wrote.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include <trainhost/testing/object_cases.hpp>

#include "testing/backend.h"

using namespace s3ckpt::testing;
using namespace trainhost::testing;
namespace data = boost::unit_test::data;
namespace fs = std::filesystem;

namespace {

constexpr size_t kPart = 5 << 20;
const std::string kConfig = "\"part_bytes\":5242880";
using Keys = std::vector<std::string>;

struct Store {
  Server server;
  std::string url, key_id, secret;
  bool has_dates;  // moto says of every upload that it began in 2010
  fs::path folder = make_folder();
  std::unique_ptr<Variable> variables[4];

  explicit Store(const std::string& name) : server("real_server.py", {name}), has_dates(name != "moto") {
    std::istringstream(server.first_line()) >> url >> key_id >> secret;
    size_t next = 0;
    for (const auto& [variable, value] :
         {std::pair<const char*, std::string>{"AWS_ACCESS_KEY_ID", key_id}, {"AWS_SECRET_ACCESS_KEY", secret}, {"AWS_SESSION_TOKEN", ""}, {"AWS_PROFILE", ""}})
      variables[next++] = std::make_unique<Variable>(variable, value);
  }
  ~Store() { fs::remove_all(folder); }

  static fs::path make_folder() {
    std::string name = (fs::temp_directory_path() / "trainhost-s3ckpt-XXXXXX").string();
    return ::mkdtemp(name.data());
  }
  std::string read_with_boto3(const std::string& key) {
    const fs::path file = folder / "got";
    BOOST_TEST_REQUIRE(server.ask("get {} {}", key, file) == "ok");
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  void write_with_boto3(const std::string& key, const std::string& bytes) {
    const fs::path file = folder / "put";
    std::ofstream(file, std::ios::binary) << bytes;
    BOOST_TEST_REQUIRE(server.ask("put {} {}", key, file) == "ok");
  }
};

void read_each_others_objects(Store& store) {
  Backend backend(store.url, kConfig);
  for (const size_t size : {size_t{0}, size_t{10}, kPart, kPart + 1, 3 * kPart - 7}) {
    const std::string bytes = pattern_bytes(size);
    backend.put(format("ours/{}", size), bytes);
    BOOST_TEST((store.read_with_boto3(format("runs/a/ours/{}", size)) == bytes), "boto3 reads " << size << " bytes of ours");
    store.write_with_boto3(format("runs/a/theirs/{}", size), bytes);
    BOOST_TEST((backend.get(format("theirs/{}", size), 0, size + 1) == bytes), "we read " << size << " bytes of boto3's");
    if (size > 100) BOOST_TEST((backend.get(format("theirs/{}", size), size - 100, 200) == bytes.substr(size - 100)));
  }
  BOOST_TEST(store.server.ask("keys runs/a/ours/0") == "runs/a/ours/0");
  BOOST_TEST(backend.list("theirs/").size() == 5u);
}

void hold_the_promises(Store& store) {
  Backend backend(store.url, kConfig, "s3://bucket/promises of +=");
  backend.create("commit", "mine");
  backend.create("commit", "mine");
  BOOST_TEST(status_of([&] { backend.create("commit", "his"); }) == TRAINHOST_ALREADY_EXISTS);
  BOOST_TEST(status_of([&] { backend.begin("commit", 4); }) == TRAINHOST_ALREADY_EXISTS);
  for (const char* key : {"b", "a/x", "a-1", "a.b", "a0", "A"}) backend.put(key, key);
  BOOST_TEST((backend.list() == Keys{"A", "a-1", "a.b", "a/x", "a0", "b", "commit"}));
  BOOST_TEST((backend.list("a") == Keys{"a-1", "a.b", "a/x", "a0"}));
  BOOST_TEST(backend.get("a/x", 3, 10) == "");
  BOOST_TEST(status_of([&] { backend.get("none"); }) == TRAINHOST_NOT_FOUND);
  backend.remove("a0");
  backend.remove("a0");
  BOOST_TEST((backend.list("a0") == Keys{}));
}

void decide_races(Store& store) {
  Backend first(store.url), second(store.url);
  one_creator_wins(first, second, 3);
}

void leave_no_uploads_behind(Store& store) {
  Backend backend(store.url, kConfig, "s3://bucket/uploads");
  backend.abort(backend.begin("a", kPart + 1));
  BOOST_TEST(store.server.ask("uploads uploads/") == "0");
  backend.begin("b", kPart + 1);  // as if the process had died
  BOOST_TEST(store.server.ask("uploads uploads/") == "1");
  if (store.has_dates) {
    Backend(store.url, kConfig, "s3://bucket/uploads").put("c", "young uploads stay");
    BOOST_TEST(store.server.ask("uploads uploads/") == "1");
  }
  Backend(store.url, kConfig + ",\"orphan_hours\":0", "s3://bucket/uploads").put("d", "x");
  BOOST_TEST(store.server.ask("uploads uploads/") == "0");
}

void refuse_in_words(Store& store) {
  const auto expect = [](const std::string& words, std::initializer_list<const char*> wanted) {
    BOOST_TEST_MESSAGE(words);
    for (const char* word : wanted) BOOST_TEST(words.find(word) != std::string::npos, word << " is not in: " << words);
  };
  expect(words_of([&] { Backend backend(store.url, "", "s3://nowhere/x"); }), {"NoSuchBucket", "s3://nowhere"});
  {
    const Variable wrong("AWS_SECRET_ACCESS_KEY", "wrong");
    BOOST_TEST(status_of([&] { Backend backend(store.url); }) == TRAINHOST_PERMISSION_DENIED);
    expect(words_of([&] { Backend backend(store.url); }), {"403", "SignatureDoesNotMatch"});
  }
  const Variable unknown("AWS_ACCESS_KEY_ID", "AKIANOBODY");
  BOOST_TEST(status_of([&] { Backend backend(store.url); }) == TRAINHOST_PERMISSION_DENIED);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(s3ckpt_servers_test)

BOOST_DATA_TEST_CASE(a_real_store_is_understood, data::make({"moto", "radosgw"}), name) {
  Store store(name);
  read_each_others_objects(store);
  hold_the_promises(store);
  decide_races(store);
  leave_no_uploads_behind(store);
  refuse_in_words(store);
}

BOOST_AUTO_TEST_SUITE_END()
