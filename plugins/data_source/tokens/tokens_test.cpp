// The source against numpy, and against files that are cut, damaged or of another kind.
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

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

template <class T>
std::string header(std::uint32_t magic, std::uint32_t version, const std::vector<T>& tokens) {
  std::vector<std::uint32_t> words(256);
  words[0] = magic, words[1] = version, words[2] = static_cast<std::uint32_t>(tokens.size());
  return bytes_of(words);
}

// Token 7 ends documents; lengths of these from 0 on.
template <class T>
std::vector<T> tokens(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<T> out(count);
  for (T& token : out) token = static_cast<T>(random() % 20 == 0 ? 7 : random() % 50000);
  return out;
}

const std::string kGpt2Header = header(20240520, 1, tokens<std::uint16_t>(700, 1)), kGpt2Tokens = bytes_of(tokens<std::uint16_t>(700, 1));

struct Files : TemporaryFolder {
  Files() {
    write("b.bin", kGpt2Header + kGpt2Tokens);
    write("a.bin", header(20240520, 1, tokens<std::uint16_t>(40000, 2)) + bytes_of(tokens<std::uint16_t>(40000, 2)));
    write("c.bin", header(20240801, 7, tokens<std::uint32_t>(333, 3)) + bytes_of(tokens<std::uint32_t>(333, 3)));
    write("tiny.bin", header(20240520, 1, tokens<std::uint16_t>(3, 4)) + bytes_of(tokens<std::uint16_t>(3, 4)));
    write("raw/16.dat", bytes_of(tokens<std::uint16_t>(500, 5)));
    write("raw/32.dat", bytes_of(tokens<std::uint32_t>(500, 6)));
  }
  std::string config(const std::string& files, const std::string& more = "") const {
    return format(R"({{"files":"{}","vocabulary":50000,"split":"all"{}}})", (path / files).string(), more);
  }
  std::string words(const std::string& files, const std::string& more = "") const {
    return words_of([&] { PluginUnderTest().create(config(files, more)).start(); });
  }

  // What oracle.py writes for the same samples.
  static std::string samples(const PluginUnderTest& source) {
    std::string out;
    for (const Sample& sample : read(source, all_ids(source))) {
      const auto length = static_cast<std::int32_t>(sample[0].shape[0]);
      out.append(reinterpret_cast<const char*>(&length), sizeof length).append(sample[0].data, sample[0].num_bytes).append(sample[1].data, sample[1].num_bytes);
    }
    return out;
  }

  void compare(const std::string& files, const std::string& names, int context, int stride, const std::string& end = "-", int min_length = 1, const std::string& split = "all",
               double fraction = 0, const std::string& dtype = "uint16") const {
    PluginUnderTest source;
    std::string more = format(R"(,"context_length":{},"stride":{},"min_length":{},"heldout_fraction":{})", context, stride, min_length, fraction);
    if (end != "-") more += format(R"(,"document_end":{})", end);
    if (files.find("raw") == 0) more += format(R"(,"dtype":"{}")", dtype);
    source.create(format(R"({{"files":"{}","vocabulary":50000,"split":"{}"{}}})", (path / files).string(), split, more)).start();
    const std::string starts = python(format("'{}/oracle.py' '{}' '{}' {} {} {} {} {} {} {} {}", fs::current_path(), path / "out", (path / files).parent_path(), dtype, context, stride, end,
                                             min_length, split, fraction, names));
    std::string got;
    for (const std::uint64_t start : block_starts(source)) got += (got.empty() ? "" : " ") + std::to_string(start);
    BOOST_TEST(got + "\n" == starts);
    BOOST_TEST((samples(source) == content("out")));
    BOOST_TEST(source_info(source).num_samples > 0u);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tokens_test, Files)

BOOST_AUTO_TEST_CASE(files_with_headers_are_those_that_numpy_reads) {
  compare("*.bin", "a.bin b.bin c.bin tiny.bin", 16, 16);
  compare("{c,a}.bin", "a.bin c.bin", 33, 7);
  compare("b.bin", "b.bin", 699, 1);
}

BOOST_AUTO_TEST_CASE(files_without_headers_are_those_that_numpy_reads) {
  compare("raw/16.dat", "16.dat", 20, 20, "-", 1, "all", 0, "uint16");
  compare("raw/32.dat", "32.dat", 20, 30, "-", 1, "all", 0, "uint32");
}

BOOST_AUTO_TEST_CASE(documents_are_those_that_numpy_finds) {
  compare("*.bin", "a.bin b.bin c.bin tiny.bin", 16, 16, "7");
  compare("*.bin", "a.bin b.bin c.bin tiny.bin", 16, 5, "7", 3);
  compare("*.bin", "a.bin b.bin c.bin tiny.bin", 5, 1, "7", 5);
  compare("*.bin", "a.bin b.bin c.bin tiny.bin", 16, 16, "12345");  // a token that is not there
}

BOOST_AUTO_TEST_CASE(splits_are_those_that_numpy_makes) {
  for (const char* split : {"train", "heldout"}) {
    compare("*.bin", "a.bin b.bin c.bin tiny.bin", 16, 16, "-", 1, split, 0.5);
    compare("*.bin", "a.bin b.bin c.bin tiny.bin", 100, 30, "-", 1, split, 0.5);
    compare("*.bin", "a.bin b.bin c.bin tiny.bin", 16, 16, "7", 1, split, 0.3);
  }
}

BOOST_AUTO_TEST_CASE(a_split_is_the_same_wherever_the_files_lie) {
  const auto copy = [&](const fs::path& folder) {
    fs::create_directories(folder);
    for (const char* name : {"a.bin", "b.bin"}) fs::copy_file(path / name, folder / name);
    PluginUnderTest source;
    source.create(format(R"({{"files":"{}/*.bin","vocabulary":50000,"context_length":16,"split":"heldout","heldout_fraction":0.3,"document_end":7}})", folder.string())).start();
    return fingerprint(source) + samples(source);
  };
  BOOST_TEST((copy(path / "here") == copy(path / "else/where/deep")));
}

BOOST_AUTO_TEST_CASE(no_sample_reaches_over_the_end_of_a_document) {
  PluginUnderTest source;
  source.create(config("a.bin", R"(,"context_length":16,"document_end":7)")).start();
  std::size_t num_ends = 0;
  for (const Sample& sample : read(source, all_ids(source))) {
    for (const std::int32_t token : sample[0].as<std::int32_t>()) BOOST_TEST(token != 7);
    num_ends += sample[1].as<std::int32_t>().back() == 7;
  }
  BOOST_TEST(num_ends > 1000u);
}

BOOST_AUTO_TEST_CASE(a_file_beyond_four_gigabytes_is_read_at_its_end) {
  const std::uint64_t count = (std::uint64_t{5} << 30) / 2;
  fs::resize_file(write("raw/large.dat", ""), count * 2 - 4);  // sparse: zeros
  std::ofstream(path / "raw/large.dat", std::ios::binary | std::ios::app) << bytes_of(std::vector<std::uint16_t>{11, 22});
  PluginUnderTest source;
  source.create(config("raw/large.dat", R"(,"context_length":3,"stride":4,"dtype":"uint16")")).start();
  const std::uint64_t num_samples = source_info(source).num_samples;
  BOOST_TEST(num_samples == count / 4);
  const auto samples = read(source, {num_samples - 1, 0});
  BOOST_TEST(samples[0][1].as<std::int32_t>() == (std::vector<std::int32_t>{0, 11, 22}), boost::test_tools::per_element());
  BOOST_TEST(samples[1][1].as<std::int32_t>() == (std::vector<std::int32_t>{0, 0, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(where_documents_end_is_kept_for_the_next_run) {
  auto values = tokens<std::uint32_t>(9'000'000, 8);  // of 36 MB
  write("large.bin", header(20240801, 7, values) + bytes_of(values));
  const auto described = [&] {
    PluginUnderTest source;
    source.host.cache_folder = path / "cache";
    source.create(config("large.bin", R"(,"context_length":16,"document_end":7)")).start();
    const std::uint64_t last = source_info(source).num_samples - 1;
    return format("{} {}", last, read(source, {last})[0][0].as<std::int32_t>().back());
  };
  const std::string first = described();
  const fs::path kept = fs::directory_iterator(path / "cache/tokens")->path();
  fs::create_hard_link(kept, path / "link");
  BOOST_TEST(described() == first);
  BOOST_TEST(fs::equivalent(kept, path / "link"));  // it was not written anew
  fs::resize_file(kept, fs::file_size(kept) - 1);
  BOOST_TEST(described() == first);
  BOOST_TEST(!fs::equivalent(kept, path / "link"));
  fs::remove_all(path / "cache");
  std::ofstream(path / "cache") << "in the way";
  BOOST_TEST(described() == first);
}

BOOST_AUTO_TEST_CASE(lengths_are_those_of_the_samples) {
  PluginUnderTest source;
  source.create(config("a.bin", R"(,"context_length":16,"document_end":7)")).start();
  const auto ids = all_ids(source);
  std::vector<std::uint64_t> lengths(ids.size());
  call(source.table<trainhost_data_lengths>(TRAINHOST_DATA_LENGTHS).lengths, source.c(), ids.data(), std::uint64_t{ids.size()}, lengths.data());
  const auto samples = read(source, ids);
  for (std::size_t i = 0; i < ids.size(); ++i) BOOST_TEST(lengths[i] == samples[i][1].as<std::int32_t>().size());
}

BOOST_AUTO_TEST_CASE(a_token_beyond_the_vocabulary_is_data_loss_with_file_and_position) {
  auto values = tokens<std::uint16_t>(1000, 1);
  values[777] = 50000;
  write("bad.bin", header(20240520, 1, values) + bytes_of(values));
  PluginUnderTest source;
  source.create(config("bad.bin", R"(,"context_length":10)")).start();
  BOOST_TEST(status_of([&] { read(source, {76}); }) == TRAINHOST_OK);
  BOOST_TEST(status_of([&] { read(source, {77}); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(words_of([&] { read(source, {77}); }).find("bad.bin: token 50000 at position 777 is not below tokens.vocabulary 50000") != std::string::npos);
  BOOST_TEST(words("bad.bin", R"(,"document_end":7)").find("position 777") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(damaged_files_are_refused_with_their_names) {
  for (const std::size_t size : {std::size_t{12}, std::size_t{1023}, std::size_t{1024}, kGpt2Header.size() + kGpt2Tokens.size() - 1}) {
    write("cut.bin", (kGpt2Header + kGpt2Tokens).substr(0, size));
    BOOST_TEST(words("cut.bin").find("cut.bin: its header says 700 tokens") != std::string::npos, words("cut.bin"));
    BOOST_TEST(words("cut.bin", R"(,"dtype":"uint16")").find("its header says 700 tokens") != std::string::npos);
  }
  write("long.bin", kGpt2Header + kGpt2Tokens + "xx");
  BOOST_TEST(words("long.bin").find("it has 2426") != std::string::npos, words("long.bin"));
  write("version.bin", header(20240520, 2, tokens<std::uint16_t>(700, 1)) + kGpt2Tokens);
  BOOST_TEST(words("version.bin").find("version 2") != std::string::npos);
  write("huge.bin", header(20240801, 7, std::vector<std::uint32_t>(1)).replace(8, 4, "\xff\xff\xff\xff"));
  BOOST_TEST(words("huge.bin").find("its header says 4294967295 tokens, which makes 17179870204 bytes") != std::string::npos, words("huge.bin"));
  write("odd.bin", "abc");
  write("empty.bin", "");
  for (const char* name : {"odd.bin", "empty.bin"}) BOOST_TEST(words(name, R"(,"dtype":"uint16")").find("wanted a multiple of 2") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_format_is_never_guessed) {
  BOOST_TEST(words("raw/16.dat").find("has no header; set tokens.dtype") != std::string::npos);
  BOOST_TEST(words("b.bin", R"(,"dtype":"uint32")").find("its header says uint16, tokens.dtype is uint32") != std::string::npos);
  BOOST_TEST(words("b.bin", R"(,"dtype":"uint16")").empty());
}

BOOST_AUTO_TEST_CASE(settings_that_fit_nothing_are_refused_with_numbers) {
  BOOST_TEST(words("b.bin", R"(,"context_length":700)").find("no samples: 700 tokens in 1 files") != std::string::npos);
  BOOST_TEST(words("b.bin", R"(,"document_end":7,"min_length":256)").find("of one document") != std::string::npos);
  BOOST_TEST(words_of([&] { PluginUnderTest().create(format(R"({{"files":"{}","vocabulary":50000,"split":"heldout"}})", (path / "b.bin").string())).start(); })
                 .find("split \"heldout\" with heldout_fraction 0") != std::string::npos);
  BOOST_TEST(words("none-*.bin").find("tokens.files: ") == 0u);
  for (const char* more : {R"(,"document_end":7,"stride":300)", R"(,"document_end":50000)", R"(,"min_length":300)"})
    BOOST_TEST(status_of([&] { PluginUnderTest().create(config("b.bin", more)); }) == TRAINHOST_INVALID_ARGUMENT, more);
}

BOOST_AUTO_TEST_CASE(the_fingerprint_covers_what_decides_the_samples) {
  const auto print = [&](const std::string& more) {
    PluginUnderTest source;
    source.create(config("a.bin", more)).start();
    return fingerprint(source);
  };
  const std::string first = print("");
  BOOST_TEST((first == print("")));
  for (const char* more : {R"(,"context_length":8)", R"(,"stride":9)", R"(,"document_end":7)", R"(,"heldout_fraction":0.5)"}) BOOST_TEST((first != print(more)), more);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_during_the_run_is_data_loss) {
  PluginUnderTest source;
  source.create(config("b.bin", R"(,"context_length":8)")).start();
  read(source, {0});
  fs::resize_file(path / "b.bin", 1500);
  BOOST_TEST(status_of([&] { read(source, {0}); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(words_of([&] { read(source, {0}); }).find("b.bin: changed during the run") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
