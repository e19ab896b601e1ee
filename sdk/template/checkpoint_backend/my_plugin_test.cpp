// The promises of a backend, asked through the C ABI as the host asks.
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;

namespace {

// The checksum of a part (Castagnoli), bit by bit.
std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1u)));
  }
  return ~crc;
}

struct Folder {
  std::filesystem::path path;
  PluginUnderTest plugin;
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "my_plugin-XXXXXX";
    path = ::mkdtemp(pattern.data());
    plugin.create(trainhost::format(R"({{"uri":"file:{}/checkpoints"}})", path)).start();
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

using Objects = std::vector<std::pair<std::string, std::uint64_t>>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(my_plugin_test, Folder)

BOOST_AUTO_TEST_CASE(what_is_put_in_parts_is_got_in_ranges) {
  std::string bytes;
  for (int i = 0; i < 10000; ++i) bytes += static_cast<char>(i * 7);
  put(plugin, "step-1/weights", bytes, crc32c, 4096);
  BOOST_TEST((get(plugin, "step-1/weights") == bytes));
  BOOST_TEST((get(plugin, "step-1/weights", 9990, 100) == bytes.substr(9990)));
  BOOST_TEST(status_of([&] { get(plugin, "step-1/none"); }) == TRAINHOST_NOT_FOUND);
}

BOOST_AUTO_TEST_CASE(nothing_is_seen_before_commit) {
  std::uint64_t part_bytes = 100;
  trainhost_put* upload = nullptr;
  trainhost::call(backend(plugin).put_begin, plugin.c(), trainhost::c_string("a/b"), std::uint64_t{3}, &part_bytes, &upload);
  BOOST_TEST(part_bytes == 4096u);
  BOOST_TEST((list(plugin) == Objects{}));
  backend(plugin).put_abort(upload);
  BOOST_TEST((list(plugin) == Objects{}));
}

BOOST_AUTO_TEST_CASE(a_part_that_was_changed_on_the_way_is_refused) {
  BOOST_TEST(status_of([&] { put(plugin, "a", "abc", [](std::string_view) { return 1u; }); }) == TRAINHOST_DATA_LOSS);
}

BOOST_AUTO_TEST_CASE(nothing_is_overwritten_and_equal_bytes_are_a_retry) {
  create_object(plugin, "commit", "mine");
  create_object(plugin, "commit", "mine");
  BOOST_TEST(status_of([&] { create_object(plugin, "commit", "his"); }) == TRAINHOST_ALREADY_EXISTS);
  BOOST_TEST(status_of([&] { put(plugin, "commit", "his", crc32c); }) == TRAINHOST_ALREADY_EXISTS);
  BOOST_TEST(get(plugin, "commit") == "mine");
}

BOOST_AUTO_TEST_CASE(keys_are_listed_in_bytewise_order_and_removed) {
  for (const char* key : {"b", "a/x", "a-1", "a0", "a/b/c"}) create_object(plugin, key, key);
  BOOST_TEST((list(plugin) == Objects{{"a-1", 3}, {"a/b/c", 5}, {"a/x", 3}, {"a0", 2}, {"b", 1}}));
  BOOST_TEST((list(plugin, "a/") == Objects{{"a/b/c", 5}, {"a/x", 3}}));
  for (int again = 0; again < 2; ++again) trainhost::call(backend(plugin).remove, plugin.c(), trainhost::c_string("a/x"));
  BOOST_TEST((list(plugin, "a/") == Objects{{"a/b/c", 5}}));
}

BOOST_AUTO_TEST_CASE(without_a_uri_it_can_be_looked_at_but_not_started) {
  PluginUnderTest other;
  other.create();
  BOOST_TEST(status_of([&] { other.start(); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_SUITE_END()
