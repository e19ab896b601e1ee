// The whole plugin: what it delivers, what it refuses, and the indexes that it leaves behind.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>

#include <sys/stat.h>

#include <trainhost/testing.hpp>

#include "files/testing/folder.h"
#include "files/testing/samples.h"
#include "testing/archive.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

// Written once; indexes of one test are of use to the next.
const TemporaryFolder& pictures() {
  static const TemporaryFolder folder;
  static const std::string written = oracle(folder, "images");
  return folder;
}

std::string config(const fs::path& folder, const std::string& files, const std::string& more = "") {
  return format("{{\"files\":[\"{}/{}\"]{}}}", folder.string(), files, more);
}
std::string config_of_pictures(const std::string& more = "") {
  return config(pictures().path, "images-{000000..000002}.tar", R"(,"split":"all","height":16,"width":24,"dtype":"uint8","scaled_decode":false,"classes":10)" + more);
}
const std::string kTexts = R"(,"split":"all","fields":["text bytes txt max_bytes=100"])";

std::string text_of(const Sample& sample, std::size_t field = 0) { return {sample[field].data, sample[field].num_bytes}; }

// All texts of kTexts, one behind the other.
std::string texts(const PluginUnderTest& source) {
  std::string out;
  for (const Sample& sample : read(source, all_ids(source))) out += text_of(sample) + ";";
  return out;
}

std::string words_of_start(PluginUnderTest& source, const std::string& settings) { return words_of([&] { source.create(settings).start(); }); }

// A .npy file.
std::string npy(const std::string& shape, const std::string& elements, const std::string& kind = "<i2") {
  std::string header = "{'descr': '" + kind + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header.resize(117, ' ');
  return std::string("\x93NUMPY\x01\0\x76\0", 10) + header + "\n" + elements;
}

const std::string kShard = tar_member("a.txt", "one") + tar_member("b.txt", "two") + tar_member("b.cls", "2");

}  // namespace

BOOST_AUTO_TEST_SUITE(tarshards_test)

BOOST_AUTO_TEST_CASE(images_and_classes_are_those_that_webdataset_and_pillow_read) {
  PluginUnderTest source;
  source.create(config_of_pictures()).start();
  oracle(pictures(), format("decoded '{}'/images-00000?.tar", pictures().path.string()));
  BOOST_TEST((bytes_of_field(source, 1) == pictures().content("classes")));
  const std::string images = bytes_of_field(source, 0), wanted = pictures().content("decoded");
  BOOST_REQUIRE(images.size() == wanted.size());
  int apart = 0;
  for (size_t i = 0; i < images.size(); ++i) apart = std::max(apart, std::abs(static_cast<uint8_t>(images[i]) - static_cast<uint8_t>(wanted[i])));
  BOOST_TEST(apart <= 1);  // Pillow has a newer libjpeg-turbo
  BOOST_TEST(block_starts(source) == (std::vector<std::uint64_t>{0, 12, 24}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(json_numbers_and_texts_become_fields) {
  PluginUnderTest source;
  source.create(config_of_pictures(R"(,"fields":["quality number json json=info.quality role=target","label class json json=info.label","text bytes txt"])")).start();
  const std::vector<Sample> samples = read(source, {15});
  const Sample& sample = samples[0];
  BOOST_TEST(sample[0].as<float>()[0] == 0.375f);
  BOOST_TEST(text_of(sample, 2) == "word word word ");
  PluginUnderTest by_file;
  by_file.create(config_of_pictures()).start();
  BOOST_TEST(sample[1].as<std::int64_t>()[0] == read(by_file, {15})[0][1].as<std::int64_t>()[0]);
}

BOOST_AUTO_TEST_CASE(arrays_have_the_format_and_shape_of_the_first) {
  PluginUnderTest source;
  source.create(config_of_pictures(R"(,"fields":["x npy npy","y npy label.npy role=target classes=10"])")).start();
  const trainhost_source_info info = source_info(source);
  BOOST_TEST((same(info.fields[0]->dtype, kFloat32) && info.fields[0]->ndim == 2 && info.fields[0]->shape[0] == 3 && info.fields[0]->shape[1] == 4));
  BOOST_TEST((same(info.fields[1]->dtype, kInt16) && info.fields[1]->ndim == 0 && info.fields[1]->num_classes == 10));
  oracle(pictures(), format("arrays '{}'/images-00000?.tar", pictures().path.string()));
  BOOST_TEST((bytes_of_field(source, 0) == pictures().content("arrays")));
}

BOOST_AUTO_TEST_CASE(arrays_that_differ_or_are_none_are_data_loss) {
  TemporaryFolder folder;
  folder.write("x.tar", tar_member("a.npy", npy("(2,)", "abcd")) + tar_member("b.npy", npy("(1,)", "ab")) + tar_member("c.npy", npy("(2,)", "abc")) + tar_member("d.npy", "text") +
                            tar_member("e.npy", npy("(4,)", "abcd", "|u1")) + tar_end());
  folder.write("bool.tar", tar_member("a.npy", npy("(2,)", "\1\2", "|b1")) + tar_end());

  PluginUnderTest source;
  source.create(config(folder.path, "x.tar", R"(,"split":"all","fields":["x npy npy"])")).start();
  const auto words = [&](std::uint64_t id) {
    BOOST_TEST(status_of([&] { read(source, {id}); }) == TRAINHOST_DATA_LOSS);
    return words_of([&] { read(source, {id}); });
  };
  BOOST_TEST(text_of(read(source, {0})[0]) == "abcd");
  BOOST_TEST(words(1).find("field x: the array is int16 [1], that of the first sample int16 [2]; all must be alike") != std::string::npos, words(1));
  BOOST_TEST(words(2).find("its header wants 4 bytes of elements, 3 are there") != std::string::npos, words(2));
  BOOST_TEST(words(3).find("is no .npy file") != std::string::npos, words(3));
  BOOST_TEST(words(4).find("the array is uint8 [4]") != std::string::npos, words(4));
  source.create(config(folder.path, "bool.tar", R"(,"split":"all","fields":["x npy npy"])")).start();
  BOOST_TEST(words(0).find("true and false are 1 and 0") != std::string::npos, words(0));
}

BOOST_AUTO_TEST_CASE(a_first_array_that_makes_no_field_is_refused_at_the_start) {
  TemporaryFolder folder;
  const auto words = [&](const std::string& npy, const std::string& line) {
    folder.write("x.tar", tar_member("a.npy", npy) + tar_end());
    PluginUnderTest source;
    return words_of([&] { source.create(config(folder.path, "x.tar", format(R"(,"split":"all","fields":["{}"])", line))).start(); });
  };
  BOOST_TEST(words(npy("(0, 3)", ""), "x npy npy").find("holds nothing") != std::string::npos);
  BOOST_TEST(words(npy("(1,)", "abcd", "<f4"), "x npy npy classes=3").find("holds float32, but its line speaks of classes") != std::string::npos);
  BOOST_TEST(words(npy("(1,1,1,1,1,1,1,1,1)", "ab"), "x npy npy").find("9 axes, at most 8") != std::string::npos);
  BOOST_TEST(words("text", "x npy npy").find("x.tar: byte 512: field x: the array: is no .npy file") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(any_company_and_order_gives_the_same_bytes) {
  PluginUnderTest source;
  source.create(config_of_pictures(R"(,"crop":"random","flip":0.5)")).start();
  const std::vector<std::uint64_t> ids = {5, 30, 5, 0}, keys = {1, 2, 3, 4};
  const std::vector<Sample> together = read(source, ids, keys);
  for (std::size_t i = 0; i < ids.size(); ++i) BOOST_TEST((text_of(read(source, {ids[i]}, {keys[i]})[0]) == text_of(together[i])));
  BOOST_TEST((text_of(together[0]) != text_of(together[2])));  // the same image, another key
}

BOOST_AUTO_TEST_CASE(train_and_heldout_make_the_whole_wherever_the_shards_lie) {
  TemporaryFolder one, other;
  std::string all;
  for (int i = 0; i < 200; ++i) all += tar_member(format("key{}.txt", i), format("{}", i));
  one.write("x.tar", all + tar_end());
  other.write("deep/er/x.tar", all + tar_end());
  const auto part = [&](const fs::path& folder, const std::string& split) {
    PluginUnderTest source;
    source.create(config(folder, "x.tar", format(R"(,"split":"{}","heldout_fraction":0.3,"fields":["text bytes txt"])", split))).start();
    return texts(source);
  };
  const std::string train = part(one.path, "train"), heldout = part(one.path, "heldout");
  BOOST_TEST(heldout.size() > 100u);
  BOOST_TEST(train.size() + heldout.size() == part(one.path, "all").size());
  BOOST_TEST(heldout == part(other.path / "deep/er", "heldout"));
}

BOOST_AUTO_TEST_CASE(fingerprint_covers_content_and_settings_but_not_the_place) {
  TemporaryFolder one, other;
  one.write("x.tar", kShard + tar_end());
  other.write("x.tar", kShard + tar_end());
  PluginUnderTest source;
  const auto print = [&](const TemporaryFolder& folder, const std::string& more) { return fingerprint(source.create(config(folder.path, "x.tar", more)).start()); };
  const std::string first = print(one, kTexts);
  BOOST_TEST((first == print(other, kTexts)));
  BOOST_TEST((first != print(one, R"(,"split":"all","fields":["text bytes txt max_bytes=99"])")));
  other.write("x.tar", tar_member("a.txt", "one") + tar_member("c.txt", "two") + tar_end());
  BOOST_TEST((first != print(other, kTexts)));
}

BOOST_AUTO_TEST_CASE(the_index_is_kept_beside_the_shard_and_made_anew_when_it_is_stale_or_damaged) {
  TemporaryFolder folder;
  const std::string shard = folder.write("x.tar", kShard + tar_end());
  const std::string index = shard + ".trainhost-index";
  PluginUnderTest source;
  source.create(config(folder.path, "x.tar", kTexts)).start();
  BOOST_REQUIRE(fs::exists(index));
  const std::string first = folder.content("x.tar.trainhost-index");

  // It is what is read: a doctored one would be noticed, so the time of its own change tells.
  const auto written = fs::last_write_time(index);
  source.create(config(folder.path, "x.tar", kTexts)).start();
  BOOST_TEST((fs::last_write_time(index) == written));

  folder.write("x.tar.trainhost-index", first.substr(0, first.size() - 1) + "x");
  source.create(config(folder.path, "x.tar", kTexts)).start();
  BOOST_TEST((folder.content("x.tar.trainhost-index") == first));
  BOOST_TEST(texts(source) == "one;two;");

  folder.write("x.tar", tar_member("z.txt", "other") + tar_end());
  source.create(config(folder.path, "x.tar", kTexts)).start();
  BOOST_TEST(texts(source) == "other;");
  BOOST_TEST((folder.content("x.tar.trainhost-index") != first));
  for (const auto& entry : fs::directory_iterator(folder.path)) BOOST_TEST((entry.path() == shard || entry.path() == index), entry.path());
}

BOOST_AUTO_TEST_CASE(a_pattern_that_finds_indexes_too_means_the_shards) {
  TemporaryFolder folder;
  folder.write("x.tar", kShard + tar_end());
  for (int run = 0; run < 2; ++run) {
    PluginUnderTest source;
    source.create(config(folder.path, "*", kTexts)).start();
    BOOST_TEST(texts(source) == "one;two;");
  }
  std::filesystem::remove(folder.path / "x.tar");
  PluginUnderTest source;
  BOOST_TEST(words_of_start(source, config(folder.path, "*", kTexts)).find("only indexes of shards are there") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(gzip_is_refused_by_name) {
  TemporaryFolder folder;
  folder.write("x.tar.gz", "\x1f\x8b" + kShard);
  PluginUnderTest source;
  const std::string words = words_of_start(source, config(folder.path, "x.tar.gz", kTexts + R"(,"on_error":"skip")"));
  BOOST_TEST(words.find("x.tar.gz: compressed by gzip") != std::string::npos, words);
}

BOOST_AUTO_TEST_CASE(the_index_of_a_place_that_cannot_be_written_lies_in_the_cache_folder) {
  TemporaryFolder folder, cache;
  folder.write("shards/x.tar", kShard + tar_end());
  fs::create_directory(folder.path / "shards/x.tar.trainhost-index");  // also root cannot put a file there
  PluginUnderTest source;
  source.host.cache_folder = cache.path.string();
  source.create(config(folder.path, "shards/x.tar", kTexts)).start();
  BOOST_TEST(texts(source) == "one;two;");
  BOOST_TEST(std::distance(fs::directory_iterator(cache.path / "tarshards"), fs::directory_iterator()) == 1);
  source.host.cache_folder.clear();
  source.create(config(folder.path, "shards/x.tar", kTexts)).start();
  BOOST_TEST(source.host.has_logged(TRAINHOST_LOG_WARNING, "the index cannot be kept"));
  TemporaryFolder chosen;
  source.create(config(folder.path, "shards/x.tar", kTexts + format(R"(,"index_folder":"{}")", (chosen.path / "new").string()))).start();
  BOOST_TEST(std::distance(fs::directory_iterator(chosen.path / "new"), fs::directory_iterator()) == 1);
}

BOOST_AUTO_TEST_CASE(dalis_index_spares_the_walk) {
  TemporaryFolder folder;
  folder.write("x.tar", kShard + tar_end());
  folder.write("x.idx", "v1.2 1\ntxt 512 3 a.txt\n");  // only the first sample, which tells the two apart
  PluginUnderTest source;
  source.create(config(folder.path, "x.tar", kTexts + format(R"(,"dali_index":"{}/x.idx")", folder.path.string()))).start();
  BOOST_TEST(texts(source) == "one;");
  fs::remove(folder.path / "x.tar.trainhost-index");
  const std::string words = words_of_start(source, config(folder.path, "x.tar", kTexts + format(R"(,"dali_index":["{}/x.{{idx,tar}}"])", folder.path.string())));
  BOOST_TEST(words.find("names 2 files for 1 shards") != std::string::npos, words);
}

BOOST_DATA_TEST_CASE(a_fault_ends_the_run_or_is_left_out_and_counted,
                     boost::unit_test::data::make({kShard.substr(0, 2000), kShard + tar_member("a.x", "1") + tar_member("c.txt", "3") + tar_end(),
                                                   kShard + tar_member("c.txt", "1") + tar_member("c.txt", "2") + tar_end()}) ^
                         boost::unit_test::data::make({"x.tar: byte 2000: the archive is cut", "the key \"a\" has come before", "has a member .txt already"}) ^
                         boost::unit_test::data::make({"one;", "one;two;3;", "one;two;"}),
                     archive, words, left) {
  TemporaryFolder folder;
  folder.write("x.tar", archive);
  PluginUnderTest source;
  BOOST_TEST(status_of([&] { source.create(config(folder.path, "x.tar", kTexts)).start(); }) == TRAINHOST_DATA_LOSS);
  const std::string said = words_of_start(source, config(folder.path, "x.tar", kTexts));
  BOOST_TEST(said.find(words) != std::string::npos, said);
  source.create(config(folder.path, "x.tar", kTexts + R"(,"on_error":"skip")")).start();
  BOOST_TEST(texts(source) == left);
  BOOST_TEST(source.host.has_logged(TRAINHOST_LOG_WARNING, "1 faults are skipped"));
}

BOOST_AUTO_TEST_CASE(a_sample_without_a_wanted_member_is_an_error_or_left_out) {
  TemporaryFolder folder;
  folder.write("x.tar", kShard + tar_end());
  const std::string fields = R"(,"split":"all","fields":["text bytes txt","label class cls"])";
  PluginUnderTest source;
  const std::string words = words_of_start(source, config(folder.path, "x.tar", fields));
  BOOST_TEST(words.find("sample \"a\" has no member .cls for the field label") != std::string::npos, words);
  source.create(config(folder.path, "x.tar", fields + R"(,"on_error":"skip")")).start();
  BOOST_TEST(texts(source) == "two;");
}

BOOST_AUTO_TEST_CASE(content_that_is_not_what_its_kind_says_names_shard_and_byte) {
  TemporaryFolder folder;
  folder.write("x.tar", tar_member("a.cls", "7 cats") + tar_member("b.cls", "12") + tar_member("c.jpg", "GIF89a") + tar_member("d.json", "{\"a\":") + tar_end());
  const auto words = [&](const std::string& field) {
    PluginUnderTest source;
    source.create(config(folder.path, "x.tar", format(R"(,"split":"all","on_error":"skip","fields":["x {}"])", field))).start();
    BOOST_TEST(status_of([&] { read(source, all_ids(source)); }) == TRAINHOST_DATA_LOSS);
    return words_of([&] { read(source, all_ids(source)); });
  };
  BOOST_TEST(words("class cls").find("x.tar: byte 512: field x: got \"7 cats\", wanted a whole number") != std::string::npos, words("class cls"));
  BOOST_TEST(words("number cls").find("got \"7 cats\", wanted a number") != std::string::npos);
  BOOST_TEST(words("image jpg").find("no JPEG or PNG image: it is a GIF file") != std::string::npos);
  BOOST_TEST(words("number json json=a").find("no valid JSON") != std::string::npos);
  BOOST_TEST(words("bytes cls max_bytes=3").find("6 bytes, more than max_bytes=3") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(classes_beyond_their_number_are_refused) {
  TemporaryFolder folder;
  folder.write("x.tar", tar_member("b.cls", "12") + tar_end());
  PluginUnderTest source;
  source.create(config(folder.path, "x.tar", R"(,"split":"all","fields":["x class cls classes=12"])")).start();
  const std::string words = words_of([&] { read(source, {0}); });
  BOOST_TEST(words.find("class 12 is not from 0 to 11") != std::string::npos, words);
}

BOOST_AUTO_TEST_CASE(a_shard_that_is_cut_during_the_run_is_data_loss) {
  TemporaryFolder folder;
  folder.write("x.tar", kShard + tar_end());
  PluginUnderTest source;
  source.create(config(folder.path, "x.tar", kTexts)).start();
  read(source, {0});
  fs::resize_file(folder.path / "x.tar", kShard.size());
  BOOST_TEST(status_of([&] { read(source, {0}); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(words_of([&] { read(source, {0}); }).find("x.tar") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(no_shards_and_no_samples_explain_themselves) {
  TemporaryFolder folder;
  PluginUnderTest source;
  BOOST_TEST(status_of([&] { source.create(config(folder.path, "*.tar", kTexts)).start(); }) == TRAINHOST_NOT_FOUND);
  BOOST_TEST(words_of_start(source, config(folder.path, "*.tar", kTexts)).find("tarshards.files") == 0u);
  folder.write("x.tar", tar_end());
  BOOST_TEST(words_of_start(source, config(folder.path, "*.tar", kTexts)).find("the shards are empty") != std::string::npos);
  folder.write("x.tar", kShard + tar_end());
  const std::string words = words_of_start(source, config(folder.path, "*.tar", R"(,"split":"heldout","heldout_fraction":0,"fields":["text bytes txt"])"));
  BOOST_TEST(words.find("none of the others in this split") != std::string::npos, words);
}

BOOST_AUTO_TEST_CASE(lines_about_fields_are_checked_before_anything_is_read) {
  PluginUnderTest source;
  const auto words = [&](const std::string& fields) { return words_of([&] { source.create(format(R"({{"files":"x.tar","fields":[{}]}})", fields)); }); };
  BOOST_TEST(words(R"("x video mp4")").find("unknown kind \"video\"") != std::string::npos);
  BOOST_TEST(words(R"("x image")").find("no extension") != std::string::npos);
  BOOST_TEST(words(R"("x image jpg json=a")").find("\"json=a\" is not understood") != std::string::npos);
  BOOST_TEST(words(R"("x bytes txt max_bytes=0")").find("max_bytes must be from 1") != std::string::npos);
  BOOST_TEST(words(R"("x bytes txt","x bytes bin")").find("is there twice") != std::string::npos);
  BOOST_TEST(words("").find("the list is empty") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
