// Modes and owners of files and folders, each as it may stand on a disk.
#include "plugin/trust.h"

#include <sys/stat.h>
#include <unistd.h>

#include "plugin/plugin_testing.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(trust_test)

namespace {

namespace fs = std::filesystem;

void change_mode(const fs::path& path, mode_t mode) { BOOST_REQUIRE(::chmod(path.c_str(), mode) == 0); }

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_CASE(a_file_of_ones_own_is_trusted_also_below_a_sticky_folder) {
  const TemporaryFolder folder;
  const fs::path sticky = folder.path() / "sticky", inner = sticky / "inner";
  fs::create_directories(inner);
  change_mode(sticky, 01777);
  const fs::path file = folder.write("sticky/inner/a.so", "");
  change_mode(file, 0664);
  BOOST_TEST(distrust_file(file) == "");
  BOOST_TEST(distrust_folder(inner) == "");
}

BOOST_AUTO_TEST_CASE(a_file_that_everybody_may_write_to_is_named_with_its_mode_and_the_remedy) {
  const TemporaryFolder folder;
  const fs::path file = folder.write("a.so", "");
  change_mode(file, 0666);
  const std::string complaint = distrust_file(file);
  BOOST_TEST(complaint.starts_with(file.string() + ": may be written to by everybody (mode 666)"), complaint);
  BOOST_TEST(holds(complaint, "chmod o-w " + file.string()));
  BOOST_TEST(holds(complaint, "allow_writable_plugins = true"));
}

BOOST_AUTO_TEST_CASE(a_folder_that_everybody_may_write_to_is_named_even_when_it_is_sticky) {
  const TemporaryFolder folder;
  const fs::path file = folder.write("a.so", "");
  for (const mode_t mode : {0777, 01777}) {
    change_mode(folder.path(), mode);
    BOOST_TEST(distrust_file(file).starts_with(folder.path().string() + ": may be written to by everybody (mode " + (mode == 0777 ? "777)" : "1777)")));
  }
  change_mode(folder.path(), 0755);
  BOOST_TEST(distrust_file(file) == "");
}

BOOST_AUTO_TEST_CASE(a_folder_above_counts_unless_it_is_sticky) {
  const TemporaryFolder folder;
  fs::create_directories(folder.path() / "above/inner");
  const fs::path file = folder.write("above/inner/a.so", "");
  change_mode(folder.path() / "above", 0777);
  BOOST_TEST(distrust_file(file).starts_with((folder.path() / "above").string() + ": may be written to by everybody (mode 777)"));
  change_mode(folder.path() / "above", 01777);
  BOOST_TEST(distrust_file(file) == "");
}

BOOST_AUTO_TEST_CASE(the_owner_must_be_root_the_user_or_who_owns_the_program) {
  const TemporaryFolder folder;
  const fs::path file = folder.write("a.so", "");
  uid_t owner = ::geteuid();
  if (owner == 0) {  // what belongs to root is always trusted, so root gives it away
    owner = 4242;
    BOOST_REQUIRE(::chown(file.c_str(), owner, owner) == 0);
    BOOST_REQUIRE(::chown(folder.path().c_str(), owner, owner) == 0);
  }
  BOOST_TEST(distrust_file(file, {owner, 0}) == "");
  BOOST_TEST(distrust_file(file, {owner + 1, owner}) == "");
  const std::string complaint = distrust_file(file, {owner + 1, owner + 2});
  BOOST_TEST(complaint.starts_with(format("{}: belongs to user {}, who is neither root nor you", file.string(), owner)), complaint);
  BOOST_TEST(distrust_folder(folder.path(), {owner + 1, owner + 2}).starts_with(folder.path().string()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
