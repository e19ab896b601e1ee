// The source against numpy and Python's gzip, and against files that are cut, damaged or larger than they look.
#include <trainhost/testing.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <filesystem>
#include <random>

#include "files/testing/folder.h"
#include "files/testing/samples.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

// Written once.
const fs::path& written() {
  static const TemporaryFolder folder;
  static const std::string said = python(format("'{}/oracle.py' '{}'", fs::current_path(), folder.path));
  return folder.path;
}

struct Files : TemporaryFolder {
  Files() { fs::copy(written(), path); }

  std::string config(const std::string& images, const std::string& labels, const std::string& more = "") const {
    return format(R"({{"images":"{}","labels":"{}"{}}})", path / images, path / labels, more);
  }
  std::string words(const std::string& images, const std::string& labels, const std::string& more = "") const {
    return words_of([&] { PluginUnderTest().create(config(images, labels, more)).start(); });
  }
  trainhost_status status(const std::string& images, const std::string& labels) const {
    return status_of([&] { PluginUnderTest().create(config(images, labels)).start(); });
  }
  std::string delivered(const std::string& images, const std::string& labels, const std::string& more, std::size_t field) const {
    PluginUnderTest source;
    source.create(config(images, labels, more)).start();
    return bytes_of_field(source, field);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(idx_test, Files)

BOOST_AUTO_TEST_CASE(pixels_and_labels_are_those_that_python_wrote) {
  for (const char* end : {"", ".gz"}) {
    const std::string images = format("images{}", end), labels = format("labels{}", end), colours = format("colours{}", end);
    BOOST_TEST((delivered(images, labels, R"(,"dtype":"uint8")", 0) == content("images.expected")));
    BOOST_TEST((delivered(colours, labels, R"(,"dtype":"uint8")", 0) == content("colours.expected")));
    BOOST_TEST((delivered(images, labels, "", 1) == content("classes.expected")));
  }
}

BOOST_AUTO_TEST_CASE(real_pixels_are_those_of_numpy_to_the_last_bit) {
  BOOST_TEST((delivered("images", "labels", "", 0) == content("scaled.expected")));
  BOOST_TEST((delivered("images.gz", "labels", R"(,"mean":0.1307,"std":0.3081)", 0) == content("normalised.expected")));
}

BOOST_AUTO_TEST_CASE(an_image_has_channels_height_and_width) {
  PluginUnderTest source;
  source.create(config("images", "labels")).start();
  const trainhost_field& image = *source_info(source).fields[0];
  BOOST_TEST((image.ndim == 3 && image.shape[0] == 1 && image.shape[1] == 7 && image.shape[2] == 5));
  source.create(config("colours", "labels")).start();
  BOOST_TEST(source_info(source).fields[0]->shape[0] == 3);
  BOOST_TEST(source_info(source).fields[1]->num_classes == 10);
}

BOOST_AUTO_TEST_CASE(train_and_heldout_make_the_whole) {
  std::uint64_t samples[3];
  int i = 0;
  for (const char* side : {"all", "train", "heldout"}) {
    PluginUnderTest source;
    source.create(config("images", "labels", format(R"(,"split":"{}","heldout_fraction":0.2)", side))).start();
    samples[i++] = source_info(source).num_samples;
  }
  BOOST_TEST(samples[0] == 300u);
  BOOST_TEST(samples[0] == samples[1] + samples[2]);
  BOOST_TEST(samples[2] > 30u);
  BOOST_TEST(words("images", "labels", R"(,"split":"heldout")").find("no samples") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(files_that_do_not_fit_each_other_are_refused_by_name) {
  BOOST_TEST(words("labels", "labels").find("images have 3, or 4 with channels") != std::string::npos);
  BOOST_TEST(words("images", "images").find("labels have one") != std::string::npos);
  write("few", std::string("\0\0\x08\x01\0\0\0\x02\x01\x02", 10));
  BOOST_TEST(words("images", "few").find("2 labels for the 300 images") != std::string::npos);
  BOOST_TEST(words("images", "labels", R"(,"classes":5)").find("is not below idx.classes 5") != std::string::npos);
  BOOST_TEST(words("shorts", "labels").find("elements of code b") != std::string::npos, words("shorts", "labels"));
  BOOST_TEST(words("gone", "labels").find("idx.images: ") == 0u);
  BOOST_TEST(words("images{,.gz}", "labels").find("names 2 files, wanted one") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_cut_file_is_data_loss_wherever_it_was_cut) {
  for (const char* name : {"labels", "labels.gz"}) {
    const std::string whole = content(name);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      write("cut", whole.substr(0, size));
      BOOST_TEST(status("images", "cut") == TRAINHOST_DATA_LOSS, name << " cut to " << size);
    }
    BOOST_TEST(words("images", "cut").find("cut: ") != std::string::npos);
  }
  write("long", content("labels") + "x");
  BOOST_TEST(words("images", "long").find("wants 300 bytes behind it, 301 are there") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(odd_gz_files_are_data_loss) {
  BOOST_TEST(words("images", "two.gz").find("two.gz: its content ends before") != std::string::npos, words("images", "two.gz"));
  BOOST_TEST(words("images", "behind.gz").find("goes on behind") != std::string::npos, words("images", "behind.gz"));
  BOOST_TEST(words("images", "short.gz").find("its content ends before") != std::string::npos);
  write("tail.gz", content("labels.gz") + "x");
  BOOST_TEST(words("images", "tail.gz").find("something follows") != std::string::npos);
  std::string flipped = content("labels.gz");
  flipped[flipped.size() - 6] = static_cast<char>(flipped[flipped.size() - 6] ^ 1);  // in the checksum
  write("flipped.gz", flipped);
  BOOST_TEST(words("images", "flipped.gz").find("is a damaged .gz file (incorrect data check)") != std::string::npos, words("images", "flipped.gz"));
}

BOOST_AUTO_TEST_CASE(a_small_file_cannot_ask_for_much_memory) {
  BOOST_TEST(status("bomb.gz", "labels") == TRAINHOST_DATA_LOSS);
  BOOST_TEST(words("bomb.gz", "labels").find("cannot be counted") != std::string::npos, words("bomb.gz", "labels"));
  std::string header("\0\0\x08\x03\0\x0f\0\0\0\0\x0f\0\0\0\x0f\0", 16);
  write("large", header);
  python(format("-c 'import gzip,sys; open(sys.argv[1]+\".gz\",\"wb\").write(gzip.compress(open(sys.argv[1],\"rb\").read()))' '{}'", path / "large"));
  BOOST_TEST(words("large.gz", "labels").find("bytes of .gz can hold") != std::string::npos, words("large.gz", "labels"));
  BOOST_TEST(words("zeros.gz", "labels", R"(,"max_memory_mb":2)").find("idx.max_memory_mb allows 2") != std::string::npos);
  BOOST_TEST(words("zeros.gz", "labels", R"(,"max_memory_mb":3)").empty());
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_never_more_than_an_error) {
  PluginUnderTest source;
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    std::string bytes = content(i % 2 ? "labels" : "labels.gz");
    for (unsigned change = 0; change <= random() % 3; ++change) bytes[random() % std::min<std::size_t>(bytes.size(), i % 4 < 2 ? 16 : 400)] = static_cast<char>(random());
    write("bad", bytes);
    const trainhost_status got = status_of([&] { source.create(config("images", "bad")).start(); });
    BOOST_TEST((got == TRAINHOST_OK || got == TRAINHOST_DATA_LOSS || got == TRAINHOST_INVALID_ARGUMENT || got == TRAINHOST_RESOURCE_EXHAUSTED), "status " << got << " in round " << i);
  }
}

BOOST_AUTO_TEST_CASE(the_fingerprint_covers_contents_and_keys_but_not_places) {
  const auto print = [&](const std::string& images, const std::string& labels, const std::string& more = "") {
    PluginUnderTest source;
    source.create(config(images, labels, more)).start();
    return fingerprint(source);
  };
  fs::create_directories(path / "else");
  for (const char* name : {"images", "labels"}) fs::copy_file(path / name, path / "else" / name);
  const std::string first = print("images", "labels");
  BOOST_TEST((first == print("else/images", "else/labels")));
  BOOST_TEST((first != print("images.gz", "labels")));
  BOOST_TEST((first != print("images", "labels", R"(,"mean":0.5)")));
}

BOOST_AUTO_TEST_SUITE_END()
