// What a resume compares, and what is stricter.
#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include "files/fingerprint.h"
#include "files/input_file.h"
#include "files/testing/folder.h"

BOOST_AUTO_TEST_SUITE(fingerprint_test)

using trainhost::Fingerprint;
using trainhost::InputFile;

Fingerprint of_file(const std::string& path) {
  const InputFile file(path);
  Fingerprint fingerprint("a source/1");
  fingerprint.add("name", file);
  return fingerprint;
}

BOOST_AUTO_TEST_CASE(a_changed_time_changes_the_stamp_alone) {
  const trainhost::testing::TemporaryFolder folder;
  const std::string path = folder.write("a", "content");
  const Fingerprint before = of_file(path);
  const timespec times[2] = {{1000, 0}, {1000, 0}};
  utimensat(AT_FDCWD, path.c_str(), times, 0);
  const Fingerprint after = of_file(path);
  BOOST_CHECK(before.value() == after.value());
  BOOST_CHECK(before.stamp() != after.stamp());
}

BOOST_AUTO_TEST_CASE(what_changes_the_value_changes_the_stamp) {
  Fingerprint one("a source/1"), two("a source/2");
  BOOST_CHECK(one.value() != two.value());
  BOOST_CHECK(one.stamp() != two.stamp());
  BOOST_CHECK(one.stamp() != one.value());
}

BOOST_AUTO_TEST_CASE(a_line_for_the_stamp_changes_no_value) {
  Fingerprint one("a source/1"), two("a source/1");
  two.add_to_stamp("1.0.1");
  BOOST_CHECK(one.value() == two.value());
  BOOST_CHECK(one.stamp() != two.stamp());
}

BOOST_AUTO_TEST_SUITE_END()
