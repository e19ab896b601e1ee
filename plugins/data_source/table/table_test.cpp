// The source against Python's csv and json, and what it says where a value is missing or of another type.
#include <trainhost/testing.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <filesystem>
#include <map>
#include <random>

#include "files/testing/tables.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

struct Tables : TableFiles {
  Tables() : TableFiles("fields") {}

  // The words behind the path of the file "t.csv" or "t.jsonl" with that content.
  std::string place(const std::string& name, const std::string& bytes, const std::string& line) const {
    const std::string file = write(name, bytes), said = words(name, line);
    BOOST_TEST(said.find(file + ":") == 0u, said);
    return said.substr(std::min(said.size(), file.size() + 1));
  }
};

std::string refused(const std::string& line) {
  return words_of([&] { PluginUnderTest().create(format(R"({{"files":"a.csv","fields":["{}"]}})", line)); });
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(table_test, Tables)

BOOST_AUTO_TEST_CASE(values_are_those_of_python) {
  python(format("'{}/oracle.py' write '{}'", fs::current_path(), path));
  for (const char* file : {"a.csv", "a.jsonl"}) {
    BOOST_TEST((delivered(file, "x float64 height weight missing=nan") == content("pairs64.expected")), file);
    BOOST_TEST((delivered(file, "x float32 height weight missing=nan") == content("pairs32.expected")), file);
    BOOST_TEST((delivered(file, "y class kind values='a,b c,d;e' role=target") == content("kinds.expected")), file);
    BOOST_TEST((delivered(file, "n int64 count") == content("counts.expected")), file);
    BOOST_TEST((delivered(file, "t bytes text length=20") == content("texts.expected")), file);
  }
  BOOST_TEST((delivered("a.jsonl", "x float32 [3] more") == content("more.expected")));
  BOOST_TEST((delivered("headless.csv", "n int64 1", R"(,"header":false,"delimiter":";")") == content("counts.expected")));
}

BOOST_AUTO_TEST_CASE(fields_are_those_of_the_lines) {
  write("a.csv", "a,b,c\n1,2,x\n");
  PluginUnderTest source;
  source.create(config("a.csv", {"x float32 a b", "n int64 [] a role=target classes=5 pad=-5", "t bytes c length=9", "y class c values=w,x role=target"})).start();
  const trainhost_source_info info = source_info(source);
  BOOST_REQUIRE(info.num_fields == 4u);
  BOOST_TEST((info.fields[0]->ndim == 1 && info.fields[0]->shape[0] == 2));
  BOOST_TEST((info.fields[1]->ndim == 0 && info.fields[1]->role == TRAINHOST_FIELD_TARGET && info.fields[1]->num_classes == 5 && info.fields[1]->pad_value == -5));
  BOOST_TEST((info.fields[2]->shape[0] == -1 && info.fields[2]->max_shape[0] == 9 && info.fields[2]->num_classes == 256 && info.fields[2]->pad_value == 0));
  BOOST_TEST((info.fields[3]->num_classes == 2 && info.fields[3]->pad_value == -1));
  const auto samples = read(source, {0});
  BOOST_TEST(samples[0][3].as<std::int64_t>()[0] == 1);
  BOOST_TEST(samples[0][2].as<char>()[0] == 'x');
}

BOOST_AUTO_TEST_CASE(several_files_are_read_as_one_and_columns_are_found_by_name) {
  write("1.csv", "a,b\n1,10\n2,20\n");
  write("2.csv", "b,a\n30,3\n");
  write("3.jsonl", "{\"b\": 40, \"a\": 4}\n");
  PluginUnderTest source;
  source.create(config("{1,2}.csv", {"x int64 a b"})).start();
  BOOST_TEST(block_starts(source) == (std::vector<std::uint64_t>{0, 2}), boost::test_tools::per_element());
  source.create(config("?.*", {"x int64 a b"})).start();
  const auto samples = read(source, {3, 2, 0});
  BOOST_TEST(samples[0][0].as<std::int64_t>() == (std::vector<std::int64_t>{4, 40}), boost::test_tools::per_element());
  BOOST_TEST(samples[1][0].as<std::int64_t>() == (std::vector<std::int64_t>{3, 30}), boost::test_tools::per_element());
  BOOST_TEST(samples[2][0].as<std::int64_t>() == (std::vector<std::int64_t>{1, 10}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(missing_values_are_what_the_line_says) {
  write("a.csv", "a,b\n,\n1,x\n  ,x\n");
  write("a.jsonl", "{\"a\": null}\n{\"a\": 1, \"b\": \"x\"}\n{\"b\": \"x\"}\n");
  for (const char* file : {"a.csv", "a.jsonl"}) {
    const auto values = [&](const std::string& line) {
      const std::string bytes = delivered(file, line);
      std::vector<std::int64_t> out(bytes.size() / 8);
      std::memcpy(out.data(), bytes.data(), bytes.size());
      return out;
    };
    BOOST_TEST(values("n int64 a missing=-7") == (std::vector<std::int64_t>{-7, 1, -7}), boost::test_tools::per_element());
    BOOST_TEST(values("n class b values=w,x missing=-1 pad=-1") == (std::vector<std::int64_t>{-1, 1, 1}), boost::test_tools::per_element());
    BOOST_TEST(values("n class b values=w,x missing=w") == (std::vector<std::int64_t>{0, 1, 1}), boost::test_tools::per_element());
    BOOST_TEST(words(file, "n int64 a").find("column \"a\": no value") != std::string::npos);
  }
  BOOST_TEST(delivered("a.csv", "t bytes b length=3") == "xx");
  BOOST_TEST(delivered("a.jsonl", "t bytes b length=3 missing=no") == "noxx");
  BOOST_TEST(words("a.jsonl", "t bytes b length=3").find("no value") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_wrong_value_in_csv_is_data_loss_with_file_line_and_column) {
  BOOST_TEST(place("t.csv", "a,b\n1,2\n\"3\",x\n", "x float32 a b").find("3:5: column \"b\": \"x\" is no number") == 0u);
  BOOST_TEST(place("t.csv", "\xef\xbb\xbf" "a,b\n\n\"two\nlines\",1\nz,?\n", "n int64 b").find("5:3: column \"b\": \"?\" is no whole number") == 0u);
  BOOST_TEST(place("t.csv", "a\n1.5\n", "n int64 a").find("2:1: column \"a\": \"1.5\" is no whole number") == 0u);
  BOOST_TEST(place("t.csv", "a\n9223372036854775808\n", "n int64 a").find("is no whole number of 64 bits") != std::string::npos);
  BOOST_TEST(place("t.csv", "a\n1e300\n", "x float32 a").find("does not fit float32") != std::string::npos);
  BOOST_TEST(place("t.csv", "a\nnew\n", "y class a values=old,older").find("\"new\" is none of the 2 values= of field \"y\"") != std::string::npos);
  BOOST_TEST(place("t.csv", "a\nlong text\n", "t bytes a length=8").find("2:1: column \"a\": a text of 9 bytes, length= allows 8") == 0u);
  BOOST_TEST(place("t.csv", "a,b\n1,2,3\n", "n int64 a").find("2:1: a row of 3 cells, the header has 2") == 0u);
  BOOST_TEST(place("t.csv", "a,b\n1,2\n3\"\n", "n int64 a").find("3:2: a quote in a cell") == 0u);
  BOOST_TEST(place("t.csv", "a,b\n\n1,\"2\n", "n int64 a").find("3:3: a quote that is not closed") == 0u);
  write("t.csv", "a\nx\n");
  BOOST_TEST(status("t.csv", "n int64 a") == TRAINHOST_DATA_LOSS);
}

BOOST_AUTO_TEST_CASE(a_wrong_value_in_json_is_data_loss_with_file_and_line) {
  BOOST_TEST(place("t.jsonl", "{\"a\": 1}\n\n{\"a\": }\n", "n int64 a").find("3:7: no JSON") == 0u);
  BOOST_TEST(place("t.jsonl", "{\"a\": 1}\n[1]\n", "n int64 a").find("2:1: JSON, but no object") == 0u);
  BOOST_TEST(place("t.jsonl", "{\"a\": \"1\"}\n", "n int64 a").find("1:1: column \"a\": \"1\" is no whole number") == 0u);
  BOOST_TEST(place("t.jsonl", "{\"a\": 1.5}\n", "n int64 a").find("\"1.5\" is no whole number") != std::string::npos);
  BOOST_TEST(place("t.jsonl", "{\"a\": {}}\n", "t bytes a length=5").find("an object or an array of arrays") != std::string::npos);
  BOOST_TEST(place("t.jsonl", "{\"a\": [[1]]}\n", "x float32 a").find("an object or an array of arrays") != std::string::npos);
  BOOST_TEST(place("t.jsonl", "{\"a\": [1, 2]}\n", "x float32 [3] a").find("the columns give 2 values, field \"x\" has 3") != std::string::npos);
  BOOST_TEST(place("t.jsonl", "{\"a\": []}\n", "x float32 a").find("the columns give 0 values") != std::string::npos);
  BOOST_TEST(place("t.jsonl", "{\"a\": 3}\n", "t bytes a length=5").find("3 is a number, wanted a text") != std::string::npos);
  BOOST_TEST(place("t.jsonl", "{\"a\": 1e999}\n", "x float32 a").find("a value that cannot be kept") != std::string::npos);
  BOOST_TEST(place("t.jsonl", "{\"a\": \"\xff\"}\n", "t bytes a length=5").find("no JSON") != std::string::npos);
  BOOST_TEST(place("t.jsonl", std::string(100000, '['), "x float32 a").find("no JSON") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(whole_numbers_may_be_written_as_real_ones_and_truth_values) {
  write("a.csv", "a\n3.0\n +4 \n-5\n");
  write("a.jsonl", "{\"a\": 3.0}\n{\"a\": 4}\n{\"a\": true}\n");
  const std::int64_t csv[] = {3, 4, -5}, json[] = {3, 4, 1};
  BOOST_TEST((delivered("a.csv", "n int64 a") == std::string(reinterpret_cast<const char*>(csv), sizeof csv)));
  BOOST_TEST((delivered("a.jsonl", "n int64 a") == std::string(reinterpret_cast<const char*>(json), sizeof json)));
}

BOOST_AUTO_TEST_CASE(texts_may_be_cut) {
  write("a.csv", "a\nlong text\nx\n");
  BOOST_TEST(delivered("a.csv", "t bytes a length=4 longer=cut") == "longx");
}

BOOST_AUTO_TEST_CASE(a_row_without_end_is_refused_before_it_fills_the_memory) {
  BOOST_TEST(place("t.csv", "a,b\n\"1" + std::string(40u << 20, 'x') + "\",2\n", "n int64 b").find("2:1: a row of") == 0u);
}

BOOST_AUTO_TEST_CASE(many_short_and_long_rows_are_found_again) {
  std::string bytes = "a,b\n";
  std::mt19937 random(1);
  for (int row = 0; row < 3000; ++row) bytes += format("{},{}\n", row, std::string(random() % 10 ? random() % 20 : random() % 50000, 'x'));
  write("a.csv", bytes);
  PluginUnderTest source;
  source.create(config("a.csv", {"n int64 a"})).start();
  const auto samples = read(source, all_ids(source));
  BOOST_REQUIRE(samples.size() == 3000);
  for (std::size_t row = 0; row < samples.size(); ++row) BOOST_TEST(samples[row][0].as<std::int64_t>()[0] == static_cast<std::int64_t>(row));
}

BOOST_AUTO_TEST_CASE(where_rows_begin_is_kept_for_the_next_run) {
  std::string bytes = "text,n\n";
  for (int row = 0; row < 40; ++row) bytes += format("\"{}\n\",{}\n\n", std::string(1u << 20, 'x'), row);
  write("large.csv", bytes);
  const auto numbers = [&](const std::string& more) {
    PluginUnderTest source;
    source.host.cache_folder = path / "cache";
    source.create(config("large.csv", {"n int64 n"}, more)).start();
    return bytes_of_field(source, 0);
  };
  const std::string first = numbers("");
  BOOST_TEST(first.size() == 40 * 8u);
  const fs::path kept = fs::directory_iterator(path / "cache/table")->path();
  fs::create_hard_link(kept, path / "link");
  BOOST_TEST((numbers("") == first));
  BOOST_TEST(fs::equivalent(kept, path / "link"));  // it was not written anew
  BOOST_TEST((numbers(R"(,"split":"train","heldout_fraction":0)") == first));
}

BOOST_AUTO_TEST_CASE(splits_share_no_row_and_do_not_depend_on_the_place) {
  std::string bytes = "a\n";
  for (int row = 0; row < 1000; ++row) bytes += format("{}\n", row);
  for (const char* name : {"f/a.csv", "else/deep/a.csv"}) write(name, bytes);
  const auto rows = [&](const std::string& file, const char* side) { return delivered(file, "n int64 a", format(R"(,"split":"{}","heldout_fraction":0.2)", side)); };
  const std::string train = rows("f/a.csv", "train"), heldout = rows("f/a.csv", "heldout");
  BOOST_TEST(train.size() + heldout.size() == 8000u);
  BOOST_TEST(heldout.size() > 8 * 150u);
  BOOST_TEST((heldout == rows("else/deep/a.csv", "heldout")));
  for (std::size_t i = 0; i < heldout.size(); i += 8)
    for (std::size_t j = 0; j < train.size(); j += 8)
      if (heldout.compare(i, 8, train, j, 8) == 0) BOOST_ERROR("a row is on both sides");
}

BOOST_AUTO_TEST_CASE(settings_that_do_not_fit_the_files_are_refused_by_name) {
  write("a.csv", "a,b,a\n1,2,3\n");
  write("a.txt", "a\n1\n");
  write("none.csv", "");
  write("header.csv", "a\n");
  BOOST_TEST(words("a.csv", "x float32 c").find("has no column \"c\"; the header names a, b, a") != std::string::npos);
  BOOST_TEST(words("a.csv", "x float32 a").find("has more than one column \"a\"") != std::string::npos);
  BOOST_TEST(words("a.csv", "x float32 a", R"(,"header":false)").find("by their numbers") != std::string::npos);
  BOOST_TEST(words("a.csv", "x float32 4", R"(,"header":false)").find("a row of 3 cells, table.fields name column 4") != std::string::npos);
  BOOST_TEST(words("a.txt", "x float32 a").find("set table.format") != std::string::npos);
  BOOST_TEST(words("a.txt", "x float32 a", R"(,"format":"csv")").empty());
  BOOST_TEST(words("none.csv", "x float32 a").find("holds no row") != std::string::npos);
  BOOST_TEST(words("header.csv", "x float32 a").find("no samples: 0 in 1 files") != std::string::npos);
  BOOST_TEST(words("gone.csv", "x float32 a").find("table.files: ") == 0u);
}

BOOST_AUTO_TEST_CASE(lines_that_are_not_understood_are_refused) {
  for (const auto& [line, words] : std::map<std::string, std::string>{{"x", "is no type"},
                                                                      {"x float16 a", "\"float16\" is no type"},
                                                                      {"x float32", "no column"},
                                                                      {"x class a", "values= is missing"},
                                                                      {"x class a values=a classes=2", "classes= is for int64"},
                                                                      {"x bytes a", "length= is missing"},
                                                                      {"x bytes a b length=3", "one column"},
                                                                      {"x float32 a missing=x", "\"x\" is no number"},
                                                                      {"x class a values=a,b missing=c", "is none of the 2 values="},
                                                                      {"x float32 a length=3", "\"length=3\" is not understood"},
                                                                      {"x float32 a values=a", "\"values=a\" is not understood"},
                                                                      {"x float32 a role=target b", "\"b\" is not understood"}})
    BOOST_TEST(refused(line).find(words) != std::string::npos, line << ": " << refused(line));
  BOOST_TEST(status_of([&] { PluginUnderTest().create(config("a.csv", {"x float32 a"}, R"(,"delimiter":"")")); }) == TRAINHOST_INVALID_ARGUMENT);
  BOOST_TEST(status_of([&] { PluginUnderTest().create(config("a.csv", {"x float32 a", "x float32 b"})); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(a_file_that_changes_during_the_run_is_data_loss) {
  write("a.csv", "a\n1\n2\n");
  PluginUnderTest source;
  source.create(config("a.csv", {"n int64 a"})).start();
  fs::resize_file(path / "a.csv", 4);
  BOOST_TEST(words_of([&] { read(source, {0}); }).find("a.csv: changed during the run") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
