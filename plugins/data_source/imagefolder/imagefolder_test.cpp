#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

#include <trainhost/draft/sample_identity.h>
#include <trainhost/testing.hpp>

#include "files/testing/folder.h"
#include "files/testing/samples.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

const std::string kSmall = R"(,"height":16,"width":24,"dtype":"uint8","scaled_decode":false)";

std::string config(const fs::path& root, const std::string& more = "") { return format("{{\"root\":\"{}\"{}}}", root.string(), more); }

// Written once, with what torchvision reads out of it.
struct Pictures {
  Pictures() : classes(python(format("testing/oracle.py '{}'", folder.path.string()))) {}
  fs::path root() const { return folder.path / "images"; }
  TemporaryFolder folder;
  std::string classes;
};
const Pictures& pictures() {
  static const Pictures made;
  return made;
}

// A small PNG file.
std::string one_image() { return pictures().folder.content("images/cat/1-x.png"); }

}  // namespace

BOOST_AUTO_TEST_SUITE(imagefolder_test)

BOOST_AUTO_TEST_CASE(images_and_labels_are_those_of_torchvision) {
  PluginUnderTest source;
  source.create(config(pictures().root(), kSmall + R"(,"split":"all")")).start();
  BOOST_TEST((bytes_of_field(source, 1) == pictures().folder.content("labels")));
  const std::string images = bytes_of_field(source, 0), wanted = pictures().folder.content("decoded");
  BOOST_REQUIRE(images.size() == wanted.size());
  int apart = 0;
  for (size_t i = 0; i < images.size(); ++i) apart = std::max(apart, std::abs(static_cast<uint8_t>(images[i]) - static_cast<uint8_t>(wanted[i])));
  BOOST_TEST(apart <= 1);  // Pillow has a newer libjpeg-turbo
  BOOST_TEST(source_info(source).fields[1]->num_classes == 4);
  BOOST_TEST(block_starts(source) == (std::vector<std::uint64_t>{0, 7, 14, 21}), boost::test_tools::per_element());
  BOOST_TEST(source.host.has_logged(TRAINHOST_LOG_INFO, "in 4 classes: " + pictures().classes.substr(0, pictures().classes.size() - 1)));
}

BOOST_AUTO_TEST_CASE(the_host_is_told_how_long_images_are_decoded_and_transformed) {
  PluginUnderTest source;
  source.create(config(pictures().root(), kSmall)).start();
  BOOST_TEST(source.host.stage_nanoseconds(TRAINHOST_STAGE_DECODE) == 0u);
  read(source, {0, 1});
  BOOST_TEST(source.host.stage_nanoseconds(TRAINHOST_STAGE_DECODE) > 0u);
  BOOST_TEST(source.host.stage_nanoseconds(TRAINHOST_STAGE_TRANSFORM) > 0u);
}

BOOST_AUTO_TEST_CASE(train_and_heldout_make_the_whole_and_have_the_same_classes) {
  std::uint64_t samples[3];
  int i = 0;
  for (const char* split : {"all", "train", "heldout"}) {
    PluginUnderTest source;
    source.create(config(pictures().root(), kSmall + format(R"(,"split":"{}","heldout_fraction":0.3)", split))).start();
    samples[i++] = source_info(source).num_samples;
    BOOST_TEST(source_info(source).fields[1]->num_classes == 4);
  }
  BOOST_TEST(samples[0] == samples[1] + samples[2]);
  BOOST_TEST(samples[2] > 0u);
}

BOOST_AUTO_TEST_CASE(single_images_are_held_out_not_whole_classes) {
  const auto labels = [](const char* split) {
    PluginUnderTest source;
    source.create(config(pictures().root(), kSmall + format(R"(,"split":"{}","heldout_fraction":0.3)", split))).start();
    std::set<std::int64_t> found;
    for (const Sample& sample : read(source, all_ids(source))) found.insert(sample[1].as<std::int64_t>()[0]);
    return found;
  };
  const std::set<std::int64_t> train = labels("train"), heldout = labels("heldout");
  BOOST_TEST(train.size() == 4u);
  BOOST_TEST(heldout.size() > 1u);
}

BOOST_AUTO_TEST_CASE(files_at_any_depth_count_and_other_files_do_not) {
  TemporaryFolder tree;
  for (const char* name : {"a/deep/er/x.png", "a/y.PNG", "b/z.png", "b/.hidden.png", ".trash/t.png", "b/.git/t.png", "loose.png"}) tree.write(name, one_image());
  tree.write("b/notes.txt", "text");
  PluginUnderTest source;
  source.create(config(tree.path, kSmall + R"(,"split":"all")")).start();
  BOOST_TEST(source_info(source).num_samples == 3u);
  BOOST_TEST(source_info(source).fields[1]->num_classes == 2);
}

BOOST_AUTO_TEST_CASE(fingerprint_covers_classes_names_sizes_and_settings_but_not_the_place) {
  TemporaryFolder one, other;
  for (const TemporaryFolder* tree : {&one, &other}) tree->write("a/x.png", one_image()), tree->write("b/x.png", one_image());
  PluginUnderTest source;
  const auto print = [&](const TemporaryFolder& tree, const std::string& more) { return fingerprint(source.create(config(tree.path, R"(,"split":"all")" + more)).start()); };
  const std::string first = print(one, "");
  BOOST_TEST((first == print(other, "")));
  BOOST_TEST((first != print(one, R"(,"height":99)")));
  other.write("b/x.png", one_image() + " ");
  BOOST_TEST((first != print(other, "")));
  other.write("b/x.png", one_image());
  fs::rename(other.path / "b", other.path / "c");
  BOOST_TEST((first != print(other, "")));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_gone_changed_or_damaged_is_data_loss_with_its_path) {
  TemporaryFolder tree;
  tree.write("a/x.png", one_image());
  tree.write("b/x.png", "GIF89a");
  PluginUnderTest source;
  source.create(config(tree.path, kSmall + R"(,"split":"all")")).start();
  const auto words = [&](std::uint64_t id) {
    BOOST_TEST(status_of([&] { read(source, {id}); }) == TRAINHOST_DATA_LOSS);
    return words_of([&] { read(source, {id}); });
  };
  BOOST_TEST(words(1).find("b/x.png: no JPEG or PNG image: it is a GIF file") != std::string::npos, words(1));
  tree.write("a/x.png", one_image() + " ");
  BOOST_TEST(words(0).find("a/x.png: changed during the run") != std::string::npos);
  tree.write("a/x.png", one_image().substr(1));
  BOOST_TEST(words(0).find("a/x.png: changed during the run") != std::string::npos);
  fs::remove(tree.path / "a/x.png");
  BOOST_TEST(words(0).find("a/x.png: cannot be opened") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_cache_is_told_which_samples_are_drawn_and_when_a_file_was_changed) {
  TemporaryFolder tree;
  tree.write("a/x.png", one_image());
  const auto facts = [&](const std::string& more) {
    PluginUnderTest source;
    source.create(config(tree.path, more)).start();
    trainhost_sample_facts told{sizeof told, 0, {}, {}};
    call(source.table<trainhost_sample_identity>(TRAINHOST_SAMPLE_IDENTITY).facts, source.c(), &told);
    return std::pair{told.uses_random_keys != 0, std::string(reinterpret_cast<const char*>(told.stamp), sizeof told.stamp)};
  };
  BOOST_TEST(!facts(R"(,"split":"all")").first);
  BOOST_TEST(facts(R"(,"split":"all","crop":"random")").first);
  BOOST_TEST(facts(R"(,"split":"all","flip":0.5)").first);
  const std::string before = facts(R"(,"split":"all")").second;
  BOOST_TEST((facts(R"(,"split":"all")").second == before));
  fs::last_write_time(tree.path / "a/x.png", fs::file_time_type(std::chrono::seconds(1000)));
  BOOST_TEST((facts(R"(,"split":"all")").second != before));
}

BOOST_AUTO_TEST_CASE(trees_that_are_none_say_so) {
  TemporaryFolder tree;
  PluginUnderTest source;
  const auto words = [&](const fs::path& root, const std::string& more = "") { return words_of([&] { source.create(config(root, more)).start(); }); };
  BOOST_TEST(words(tree.path / "nowhere").find("is no folder that can be read") != std::string::npos);
  BOOST_TEST(words(tree.path).find("there are no folders in it") != std::string::npos);
  tree.write("a/notes.txt", "text");
  BOOST_TEST(words(tree.path).find("a: a class without images") != std::string::npos, words(tree.path));
  tree.write("a/x.png", one_image());
  BOOST_TEST(words(tree.path, R"(,"split":"heldout","heldout_fraction":0)").find("no samples in this split: 1 images in 1 classes") != std::string::npos);
  BOOST_TEST(words(tree.path, R"(,"channels":2)").find("channels must be 1 (grey) or 3") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
