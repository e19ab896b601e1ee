// What is noticed between looking at a plugin file and loading it.
#include "plugin/file_identity.h"

#include <fstream>

#include "plugin/plugin_testing.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(file_identity_test)

namespace {

namespace fs = std::filesystem;

// A plugin file of its own for each test: libraries that were opened once stay open.
struct Looked {
  TemporaryFolder folder;
  fs::path file = folder.add("nearly_good", "a.so");
  PluginRecord record = read_records(file).front();
};

void expect_refusal(const Looked& looked) {
  expect_error(ExitCode::kPlugin, {looked.file.string() + ": changed after it was looked at", "start again"},
               [&] { Instance::create(looked.record, R"({"behaviour":""})"); });
  expect_error(ExitCode::kPlugin, {": changed after it was looked at"}, [&] { file_sha256(looked.record); });
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_file_that_nobody_touched_is_loaded_and_hashed) {
  const Looked looked;
  BOOST_TEST(Instance::create(looked.record, R"({"behaviour":""})") != nullptr);
  BOOST_TEST(file_sha256(looked.record).size() == 64);
}

BOOST_AUTO_TEST_CASE(another_file_in_its_place_is_refused_though_it_has_the_same_bytes_and_time) {
  const Looked looked;
  const fs::path copy = looked.folder.add("nearly_good", "copy.so");
  fs::last_write_time(copy, fs::last_write_time(looked.file));
  fs::rename(copy, looked.file);
  expect_refusal(looked);
}

BOOST_AUTO_TEST_CASE(bytes_written_into_it_are_refused_though_the_time_of_writing_is_put_back) {
  const Looked looked;
  const auto time = fs::last_write_time(looked.file);
  std::fstream(looked.file, std::ios::in | std::ios::out | std::ios::binary).seekp(-1, std::ios::end).put('x');
  fs::last_write_time(looked.file, time);
  expect_refusal(looked);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_gone_is_refused) {
  const Looked looked;
  fs::remove(looked.file);
  expect_error(ExitCode::kPlugin, {": changed after it was looked at"}, [&] { Instance::create(looked.record, "{}"); });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
