// The source against pyarrow: every type, codec and way of naming columns; and what a line of `columns` may say.
#include <trainhost/testing.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <map>
#include <thread>

#include "files/testing/samples.h"
#include "testing/tables.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

// Written once.
const Tables& many() {
  static const Tables folder;
  static const std::string written = folder.oracle("write");
  return folder;
}

// Lines of `columns`, and the file of the bytes that pyarrow gives for them.
const std::map<std::string, std::string> kLines{{"int8", "int8"},
                                                {"int16", "int16"},
                                                {"int32", "int32"},
                                                {"int64", "int64"},
                                                {"uint8", "uint8"},
                                                {"uint16", "uint16"},
                                                {"uint32", "uint32"},
                                                {"uint64", "uint64"},
                                                {"float", "float"},
                                                {"double", "double"},
                                                {"half", "half"},
                                                {"flag", "flag"},
                                                {"int32 dtype=int64", "int32.int64"},
                                                {"double dtype=float32", "double.float32"},
                                                {"half dtype=float32", "half.float32"},
                                                {"flag dtype=float32", "flag.float32"},
                                                {"uint8 dtype=float64", "uint8.float64"},
                                                {"int8 small as=x dtype=float32", "together"},
                                                {"gaps missing=-7", "gaps"},
                                                {"gaps missing=-7 dtype=int64", "gaps.int64"},
                                                {"text length=40", "text"},
                                                {"text length=3 longer=cut", "text.cut"},
                                                {"'more text' length=10", "more text"},
                                                {"kind values=ash,elm,oak role=target", "kind"},
                                                {"kind length=3", "kind.text"},
                                                {"hash", "hash"},
                                                {"tokens length=100", "tokens"},
                                                {"tokens length=100 skip_first=1 dtype=int64", "tokens.int64"},
                                                {"tokens length=5 longer=cut skip_last=1", "tokens.cut"},
                                                {"window", "window"},
                                                {"window skip_first=1 dtype=int64", "window.next"},
                                                {"matrix", "matrix"},
                                                {"inner.bytes length=8", "inner.bytes"},
                                                {"inner.number", "inner.number"},
                                                {"dotted.name", "dotted.name"}};

}  // namespace

BOOST_AUTO_TEST_SUITE(parquet_test)

BOOST_AUTO_TEST_CASE(values_are_those_of_pyarrow) {
  for (const auto& [line, name] : kLines) {
    const std::string expected = many().content(name + ".expected");
    BOOST_TEST(!expected.empty(), name);
    BOOST_TEST((many().delivered("many.parquet", line) == expected), line);
    BOOST_TEST((many().delivered("part-*.parquet", line) == expected), line << " of several files, codecs and page versions");
  }
}

BOOST_AUTO_TEST_CASE(many_fields_are_read_together_and_in_any_order) {
  PluginUnderTest source;
  source.create(many().config("many.parquet", {"dotted.name as=n", "window", "text length=40", "inner.number as=m"})).start();
  const auto samples = read(source, {999, 0, 500, 170, 169, 0});
  const std::vector<std::int64_t> rows{999, 0, 500, 170, 169, 0};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    BOOST_TEST(samples[i][0].as<std::int16_t>()[0] == rows[i]);
    BOOST_TEST(samples[i][3].as<std::int64_t>()[0] == rows[i]);
  }
}

BOOST_AUTO_TEST_CASE(fields_are_those_of_the_columns) {
  PluginUnderTest source;
  source.create(many().config("many.parquet", {"tokens length=64 classes=50000", "window as=y role=target dtype=int64 classes=50000", "int8 small as=x dtype=float32", "text length=40",
                                               "kind values=oak,ash,elm role=target", "matrix", "hash", "tokens as=next length=9 longer=cut skip_first=1 pad=7"}))
      .start();
  const trainhost_source_info info = source_info(source);
  BOOST_REQUIRE(info.num_fields == 8u);
  BOOST_TEST((info.fields[0]->ndim == 1 && info.fields[0]->shape[0] == -1 && info.fields[0]->max_shape[0] == 64 && info.fields[0]->num_classes == 50000));
  BOOST_TEST((info.fields[0]->dtype.code == TRAINHOST_DTYPE_UINT && info.fields[0]->dtype.bits == 16));
  BOOST_TEST((info.fields[1]->shape[0] == 33 && info.fields[1]->role == TRAINHOST_FIELD_TARGET && info.fields[1]->pad_value == -1 && same(info.fields[1]->dtype, kInt64)));
  BOOST_TEST((info.fields[2]->ndim == 1 && info.fields[2]->shape[0] == 2 && same(info.fields[2]->dtype, kFloat32)));
  BOOST_TEST((info.fields[3]->shape[0] == -1 && info.fields[3]->max_shape[0] == 40 && info.fields[3]->num_classes == 256 && same(info.fields[3]->dtype, kUInt8)));
  BOOST_TEST((info.fields[4]->ndim == 0 && info.fields[4]->num_classes == 3 && info.fields[4]->pad_value == -1));
  BOOST_TEST((info.fields[5]->ndim == 2 && info.fields[5]->shape[0] == 2 && info.fields[5]->shape[1] == 3));
  BOOST_TEST((info.fields[6]->ndim == 1 && info.fields[6]->shape[0] == 16));
  BOOST_TEST((info.fields[7]->max_shape[0] == 9 && info.fields[7]->pad_value == 7));
}

BOOST_AUTO_TEST_CASE(row_groups_are_blocks) {
  PluginUnderTest source;
  source.create(many().config("many.parquet", {"int8"})).start();
  BOOST_TEST(block_starts(source) == (std::vector<std::uint64_t>{0, 170, 340, 510, 680, 850}), boost::test_tools::per_element());
  source.create(many().config("part-{0,1}.parquet", {"int8"})).start();
  BOOST_TEST(block_starts(source) == (std::vector<std::uint64_t>{0, 100, 200, 300}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(images_are_decoded) {
  const Tables folder;
  folder.oracle("pictures");
  BOOST_TEST((folder.delivered("pictures.parquet", "image.bytes as=image decode=image", R"(,"height":8,"width":6,"dtype":"uint8")") == folder.content("pictures.expected")));
  BOOST_TEST(folder.words("pictures.parquet", "image.path decode=image").find("row group 0, row 0, column \"image.path\": no value (null)") != std::string::npos);
  BOOST_TEST(folder.words("pictures.parquet", "label decode=image").find("decode=image is for bytes") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(threads_with_a_small_cache_read_the_same) {
  PluginUnderTest source;
  source.create(many().config("many.parquet", {"tokens length=100"}, R"(,"cache_mib":1)")).start();
  const std::string expected = many().content("tokens.expected");
  std::vector<std::string> got(4);
  {
    std::vector<std::jthread> threads;
    for (std::string& bytes : got)
      threads.emplace_back([&source, &bytes] {
        for (std::uint64_t begin = 0; begin < 1000; begin += 50) {
          std::vector<std::uint64_t> ids(50);
          for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = begin + i;
          for (const Sample& sample : read(source, ids)) bytes.append(sample[0].data, sample[0].num_bytes);
        }
      });
  }
  for (const std::string& bytes : got) BOOST_TEST((bytes == expected));
}

BOOST_AUTO_TEST_CASE(splits_share_no_row_and_do_not_depend_on_the_place) {
  const Tables other;
  fs::copy_file(many().path / "many.parquet", other.path / "many.parquet");
  const auto side = [](const Tables& folder, const char* name) { return folder.delivered("many.parquet", "dotted.name", format(R"(,"split":"{}","heldout_fraction":0.2)", name)); };
  const std::string train = side(many(), "train"), heldout = side(many(), "heldout");
  BOOST_TEST(train.size() + heldout.size() == 2000u);
  BOOST_TEST(heldout.size() > 2 * 150u);
  BOOST_TEST((heldout == side(other, "heldout")));
  for (std::size_t i = 0; i < heldout.size(); i += 2)
    for (std::size_t j = 0; j < train.size(); j += 2)
      if (heldout.compare(i, 2, train, j, 2) == 0) BOOST_ERROR("a row is on both sides");
}

BOOST_AUTO_TEST_CASE(the_fingerprint_is_of_data_and_keys_not_of_the_place) {
  const Tables other;
  fs::copy_file(many().path / "many.parquet", other.path / "many.parquet");
  const auto value = [](const Tables& folder, const std::string& file, const std::string& line, const std::string& more = "") {
    PluginUnderTest source;
    source.create(folder.config(file, {line}, more)).start();
    return fingerprint(source);
  };
  const std::string one = value(many(), "many.parquet", "int8");
  BOOST_TEST((one == value(other, "many.parquet", "int8", R"(,"cache_mib":3)")));
  BOOST_TEST((one != value(many(), "many.parquet", "int16")));
  BOOST_TEST((one != value(many(), "part-0.parquet", "int8")));
  BOOST_TEST((one != value(many(), "many.parquet", "int8", R"(,"heldout_fraction":0.5)")));
}

BOOST_AUTO_TEST_CASE(large_row_groups_are_warned_of) {
  const Tables folder;
  folder.oracle("large");
  const auto warnings = [&](const std::string& line, const std::string& more = "") {
    PluginUnderTest source;
    source.create(folder.config("wide.parquet", {line}, more)).start();
    std::string all;
    for (const auto& entry : source.host.log()) all += entry.text + "\n";
    return all;
  };
  const std::string said = warnings("x");
  BOOST_TEST(said.find("1 row groups take more than 256 MiB") != std::string::npos, said);
  BOOST_TEST(said.find("wide.parquet, row group 0 with 280 MiB") != std::string::npos, said);
  BOOST_TEST(said.find("cache_mib") == std::string::npos, said);
  BOOST_TEST(warnings("x", R"(,"cache_mib":100)").find("parquet.cache_mib = 100 does not hold them") != std::string::npos);
  BOOST_TEST(warnings("y").find("MiB") == std::string::npos);  // only columns that are read count
}

BOOST_AUTO_TEST_CASE(lines_that_are_not_understood_are_refused_before_a_file_is_opened) {
  for (const auto& [line, words] : std::map<std::string, std::string>{{"", "it names no column"},
                                                                      {"a b", "say its name with as="},
                                                                      {"a size=3", "\\\"size=\\\" is no option"},
                                                                      {"a role=target b", "\"b\" is not understood"},
                                                                      {"a decode=jpeg", "\"decode=jpeg\" is not understood"},
                                                                      {"a b as=x decode=image", "decode=image takes one column"}}) {
    const std::string said = words_of([&, &text = line] { PluginUnderTest().create(Tables().config("a.parquet", {text})); });
    std::string wanted = words;
    std::erase(wanted, '\\');
    BOOST_TEST(said.find(wanted) != std::string::npos, line << ": " << said);
  }
  BOOST_TEST(words_of([&] { PluginUnderTest().create(Tables().config("a.parquet", {"a", "b as=a"})); }).find("is there twice") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(lines_that_do_not_suit_the_columns_are_refused) {
  for (const auto& [line, words] : std::map<std::string, std::string>{{"tokenz length=5", "has no column \"tokenz\", which parquet.columns names; did you mean \"tokens\"?"},
                                                                      {"inner.number.x", "did you mean \"inner.number\"?"},
                                                                      {"inner.numbr", "did you mean \"inner.number\"?"},
                                                                      {"when", "column \"when\" is timestamp["},
                                                                      {"inner", "column \"inner\" is struct"},
                                                                      {"int8 int16 as=x", "must be alike"},
                                                                      {"window window as=x", "several columns become one field where each is a number"},
                                                                      {"tokens", "length= must say the most elements of a row"},
                                                                      {"text", "length= must say the most bytes of a row"},
                                                                      {"text length=0", "length= must say"},
                                                                      {"int8 length=3", "\"length=3\" is not understood"},
                                                                      {"float dtype=int64", "can become float32, float64, or int64 where it is whole"},
                                                                      {"int32 dtype=int8", "can become"},
                                                                      {"text dtype=int64 length=3", "can become nothing else"},
                                                                      {"float classes=3", "of whole numbers"},
                                                                      {"int8 values=a,b", "values= is for texts"},
                                                                      {"kind values=a,b classes=3", "classes= is for numbers"},
                                                                      {"int8 missing=300", "missing=300 does not fit int8"},
                                                                      {"int8 missing=x", "\"x\" is no number"},
                                                                      {"window skip_first=33", "leave nothing of int32[33]"},
                                                                      {"text length=40 skip_first=1", "\"skip_first=1\" is not understood"},
                                                                      {"tokens length=40 skip_last=-1", "skip_first and skip_last are 0 to"}}) {
    const std::string said = many().words("many.parquet", line);
    BOOST_TEST(said.find(words) != std::string::npos, line << ": " << said);
    BOOST_TEST((many().status("many.parquet", line) == TRAINHOST_INVALID_ARGUMENT), line);
  }
}

BOOST_AUTO_TEST_SUITE_END()
