// The promises of a checkpoint backend, asked of the built file through the C ABI.
#include <boost/test/unit_test.hpp>
#include <boost/test/data/test_case.hpp>

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <thread>

#include <trainhost/format.hpp>
#include <trainhost/testing/object_cases.hpp>

using namespace trainhost;
using namespace trainhost::testing;
namespace data = boost::unit_test::data;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "trainhost-localckpt-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
};

/// A file system of a few KiB; not mounted where there is no right to.
struct SmallDisk : Folder {
  bool is_mounted;
  explicit SmallDisk(const char* options) : is_mounted(::mount("tmpfs", path.c_str(), "tmpfs", 0, options) == 0) {
    if (!is_mounted) BOOST_TEST_MESSAGE("skipped: no right to mount a small tmpfs");
  }
  ~SmallDisk() {
    if (is_mounted) ::umount(path.c_str());
  }
};

struct Backend : Objects {
  explicit Backend(const fs::path& root) : Objects(format(R"({{"uri":"file:{}"}})", root.string())) {}
};

/// How many pages of the file are in memory.
size_t cached_pages(const fs::path& file, size_t size) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
  BOOST_TEST_REQUIRE(mapped != MAP_FAILED);
  std::vector<unsigned char> pages(size / 4096);
  BOOST_TEST(::mincore(mapped, size, pages.data()) == 0);
  ::munmap(mapped, size);
  ::close(descriptor);
  return static_cast<size_t>(std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return page & 1; }));
}

size_t num_files(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::recursive_directory_iterator(folder), fs::recursive_directory_iterator()));
}

/// Runs the body in a process of its own; 99 when it throws.
template <class Body>
int exit_code_of_child(const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 99;
    try {
      code = body();
    } catch (...) {
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

using Keys = Objects::Keys;

}  // namespace

BOOST_AUTO_TEST_SUITE(localckpt_test)

BOOST_DATA_TEST_CASE(what_is_put_is_got_at_any_size, data::make({0, 1, 4095, 4096, 4097, 100000}), size) {
  const Folder folder;
  Backend backend(folder.path);
  std::string bytes(static_cast<size_t>(size), 'x');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  backend.put("step-1/a.bin", bytes);
  BOOST_TEST((backend.get("step-1/a.bin") == bytes));
  BOOST_TEST((Backend(folder.path).get("step-1/a.bin", 100, 50) == (bytes.size() > 100 ? bytes.substr(100, 50) : "")));
}

BOOST_AUTO_TEST_CASE(nothing_is_seen_before_commit_and_nothing_stays_after_abort) {
  const Folder folder;
  Backend backend(folder.path);
  trainhost_put* const put = backend.begin("a/b/c", 5);
  backend.part(put, 0, "hello");
  BOOST_TEST((backend.list() == Keys{}));
  BOOST_TEST(status_of([&] { backend.get("a/b/c"); }) == TRAINHOST_NOT_FOUND);
  backend.abort(put);
  BOOST_TEST(num_files(folder.path) == 0u);
}

BOOST_AUTO_TEST_CASE(parts_may_come_in_any_order_twice_and_from_many_threads) {
  const Folder folder;
  Backend backend(folder.path);
  trainhost_put* const put = backend.begin("big", 64 * 4096 + 5);
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 4; ++worker)
    threads.emplace_back([&, worker] {
      for (int i = 64 - worker; i >= 0; i -= 4)
        for (int again = 0; again < 2; ++again) backend.part(put, static_cast<uint64_t>(i) * 4096, std::string(i == 64 ? 5 : 4096, static_cast<char>('0' + i)));
    });
  for (std::thread& thread : threads) thread.join();
  backend.commit(put);
  const std::string bytes = backend.get("big");
  BOOST_TEST_REQUIRE(bytes.size() == 64u * 4096 + 5);
  for (size_t i = 0; i < bytes.size(); ++i) BOOST_TEST_REQUIRE(bytes[i] == static_cast<char>('0' + static_cast<int>(i / 4096)));
}

BOOST_AUTO_TEST_CASE(objects_may_be_put_from_many_threads) {
  const Folder folder;
  Backend backend(folder.path);
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 4; ++worker)
    threads.emplace_back([&, worker] {
      for (int i = 0; i < 20; ++i) {
        const std::string key = format("{}/{}/x", i % 3, worker * 100 + i);
        backend.put(key, key);
        if (i % 2) backend.remove(key);
        backend.create(format("record-{}", i), "same");
      }
    });
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(backend.list().size() == 4u * 10 + 20);
  for (const std::string& key : backend.list()) BOOST_TEST((key.starts_with("record") || backend.get(key) == key));
}

/// The host's parts lie aligned and go past the cache; others are dropped from it.
BOOST_DATA_TEST_CASE(what_is_written_does_not_fill_the_page_cache, data::make({0, 1}), shift) {
  const Folder folder;
  struct statfs place{};
  constexpr long kTmpfs = 0x01021994;  // which has no disk below its cache
  if (::statfs(folder.path.c_str(), &place) != 0 || place.f_type == kTmpfs) return;
  Backend backend(folder.path);
  constexpr uint64_t kPart = 1 << 20, kBytes = 4 * kPart;
  uint64_t part_bytes = kPart;
  trainhost_put* const put = backend.begin("big", kBytes, &part_bytes);
  std::vector<char> memory(kPart + 8192, 'x');
  const std::string_view bytes(reinterpret_cast<const char*>((reinterpret_cast<uintptr_t>(memory.data()) + 4095) / 4096 * 4096) + shift, kPart);
  for (uint64_t at = 0; at < kBytes; at += kPart) backend.part(put, at, bytes);
  BOOST_TEST(cached_pages(fs::directory_iterator(folder.path)->path(), kBytes) <= 1u);
  backend.commit(put);
  BOOST_TEST((backend.get("big", kBytes - kPart, kPart) == bytes));
}

BOOST_AUTO_TEST_CASE(a_part_whose_bytes_were_changed_on_the_way_is_refused) {
  const Folder folder;
  Backend backend(folder.path);
  trainhost_put* const put = backend.begin("a", 3);
  BOOST_TEST(status_of([&] { backend.part_with(put, 0, "abc", 1u); }) == TRAINHOST_DATA_LOSS);
  backend.abort(put);
}

BOOST_AUTO_TEST_CASE(a_commit_with_a_missing_part_is_refused) {
  const Folder folder;
  Backend backend(folder.path);
  trainhost_put* const put = backend.begin("a", 8192);
  backend.part(put, 4096, std::string(4096, 'x'));
  BOOST_TEST(status_of([&] { backend.commit(put); }) == TRAINHOST_FAILED_PRECONDITION);
  BOOST_TEST(num_files(folder.path) == 0u);
}

BOOST_AUTO_TEST_CASE(a_part_beyond_the_object_is_refused) {
  const Folder folder;
  Backend backend(folder.path);
  trainhost_put* const put = backend.begin("a", 10);
  BOOST_TEST(status_of([&] { backend.part(put, 4096, "x"); }) == TRAINHOST_INVALID_ARGUMENT);
  BOOST_TEST(status_of([&] { backend.part(put, 0, "longer than ten"); }) == TRAINHOST_INVALID_ARGUMENT);
  backend.abort(put);
}

BOOST_AUTO_TEST_CASE(a_key_is_never_written_over) {
  const Folder folder;
  Backend backend(folder.path);
  trainhost_put* const late = backend.begin("a", 4);
  backend.put("a", "first");
  BOOST_TEST(status_of([&] { backend.begin("a", 1); }) == TRAINHOST_ALREADY_EXISTS);
  backend.part(late, 0, "late");
  BOOST_TEST(status_of([&] { backend.commit(late); }) == TRAINHOST_ALREADY_EXISTS);
  BOOST_TEST(backend.get("a") == "first");
  BOOST_TEST(num_files(folder.path) == 1u);
}

BOOST_AUTO_TEST_CASE(create_decides_races_and_may_be_repeated) {
  const Folder folder;
  Backend backend(folder.path);
  create_makes_once(backend);
  BOOST_TEST(num_files(folder.path) == 2u);
}

BOOST_AUTO_TEST_CASE(of_many_that_create_at_once_one_wins) {
  const Folder folder;
  Backend first(folder.path), second(folder.path);
  one_creator_wins(first, second, 20);
}

BOOST_AUTO_TEST_CASE(keys_are_listed_in_bytewise_order) {
  const Folder folder;
  Backend backend(folder.path);
  keys_come_in_bytewise_order(backend);
}

BOOST_AUTO_TEST_CASE(keys_that_lead_elsewhere_are_refused) {
  const Folder folder;
  Backend backend(folder.path);
  trainhost::testing::keys_that_lead_elsewhere_are_refused(backend);
}

BOOST_AUTO_TEST_CASE(folders_come_and_go_with_their_objects) {
  const Folder folder;
  const fs::path root = folder.path / "made" / "here";
  Backend backend(root);
  BOOST_TEST(!fs::exists(folder.path / "made"));
  backend.put("a/b/c", "x");
  backend.put("a/d", "x");
  backend.remove("a/b/c");
  BOOST_TEST(!fs::exists(root / "a" / "b"));
  backend.remove("a/d");
  backend.remove("a/d");
  BOOST_TEST(!fs::exists(folder.path / "made"));
  BOOST_TEST(fs::exists(folder.path));
}

BOOST_AUTO_TEST_CASE(a_folder_that_was_there_stays) {
  const Folder folder;
  Backend backend(folder.path);
  backend.put("a", "x");
  backend.remove("a");
  BOOST_TEST(fs::exists(folder.path));
}

BOOST_AUTO_TEST_CASE(what_dead_writers_left_is_removed_at_start_and_the_living_keep_theirs) {
  const Folder folder;
  const int code = exit_code_of_child([&] {
    Backend dying(folder.path);
    dying.part(dying.begin("a/dead", 4), 0, "dead");
    ::_exit(0);
    return 1;
  });
  BOOST_TEST(code == 0);
  BOOST_TEST(num_files(folder.path) == 2u);
  Backend living(folder.path);
  BOOST_TEST(num_files(folder.path) == 0u);
  trainhost_put* const put = living.begin("a/alive", 5);
  Backend another(folder.path);
  living.part(put, 0, "alive");
  living.commit(put);
  BOOST_TEST((another.list() == Keys{"a/alive"}));
}

BOOST_DATA_TEST_CASE(uris_that_are_no_place_here_are_refused, data::make({"s3://bucket/x", "/tmp/x", "file:", "file://host/x"}), uri) {
  PluginUnderTest plugin;
  BOOST_TEST(status_of([&] { plugin.create(format(R"({{"uri":"{}"}})", uri)); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(without_a_uri_it_can_be_looked_at_but_not_started) {
  PluginUnderTest plugin;
  plugin.create("{}");
  BOOST_TEST(status_of([&] { plugin.start(); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(three_slashes_are_an_absolute_path) {
  const Folder folder;
  Objects(format(R"({{"uri":"file://{}/x/"}})", folder.path.string())).create("k", "v");
  BOOST_TEST(fs::exists(folder.path / "x" / "k"));
}

BOOST_AUTO_TEST_CASE(a_file_in_the_way_is_named_at_start) {
  const Folder folder;
  std::ofstream(folder.path / "file") << "x";
  BOOST_TEST(status_of([&] { Backend backend(folder.path / "file"); }) == TRAINHOST_FAILED_PRECONDITION);
  BOOST_TEST(words_of([&] { Backend backend(folder.path / "file"); }).find("file") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_folder_without_the_right_to_write_is_permission_denied) {
  const Folder folder;
  fs::create_directories(folder.path / "locked");
  ::chmod((folder.path / "locked").c_str(), 0555);
  ::chmod(folder.path.c_str(), 0755);
  const int code = exit_code_of_child([&] {
    if (::getuid() == 0 && ::setuid(65534) != 0) return 2;  // root may write anywhere, so the child becomes somebody else
    Backend backend(folder.path / "locked");
    return status_of([&] { backend.begin("a", 1); }) == TRAINHOST_PERMISSION_DENIED ? 0 : 1;
  });
  BOOST_TEST(code == 0);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_found_when_an_object_begins) {
  const SmallDisk disk("size=256k");
  if (!disk.is_mounted) return;
  Backend backend(disk.path);
  backend.put("a", std::string(100'000, 'a'));
  const std::string words = words_of([&] { backend.begin("x/b", 1 << 20); });
  BOOST_TEST_MESSAGE(words);
  BOOST_TEST(words.find("No space left") != std::string::npos);
  BOOST_TEST(words.find("KiB are free there") != std::string::npos);
  BOOST_TEST(words.find(disk.path.string()) != std::string::npos);
  BOOST_TEST(status_of([&] { backend.begin("x/b", 1 << 20); }) == TRAINHOST_RESOURCE_EXHAUSTED);
  BOOST_TEST(status_of([&] { backend.create("x/c", std::string(500'000, 'c')); }) == TRAINHOST_RESOURCE_EXHAUSTED);
  BOOST_TEST(num_files(disk.path) == 1u);
  backend.put("d", "room for little ones");
}

BOOST_AUTO_TEST_SUITE_END()
