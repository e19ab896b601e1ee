// The source against numpy and safetensors, and against files that are cut, damaged or of another kind.
#include <trainhost/testing.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <filesystem>
#include <random>
#include <sstream>

#include "files/testing/folder.h"
#include "files/testing/samples.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

// Written once.
const fs::path& written() {
  static const TemporaryFolder folder;
  static const std::string said = python(format("'{}/oracle.py' write '{}'", fs::current_path(), folder.path));
  return folder.path;
}

struct Arrays : TemporaryFolder {
  Arrays() { fs::copy(written(), path); }

  // Lines about fields whose files lie in the folder: "x {}x.npy".
  std::string config(const std::vector<std::string>& lines, const std::string& more = "") const {
    std::string fields;
    for (const std::string& line : lines) fields += format("{}\"{}\"", fields.empty() ? "" : ",", format(line, path.string() + "/"));
    return format(R"({{"fields":[{}]{}}})", fields, more);
  }
  std::string words(const std::string& line) const {
    return words_of([&] { PluginUnderTest().create(config({line})).start(); });
  }
  trainhost_status status(const std::string& line) const {
    return status_of([&] { PluginUnderTest().create(config({line})).start(); });
  }
  std::string delivered(const std::string& line) const {
    PluginUnderTest source;
    source.create(config({line})).start();
    return bytes_of_field(source, 0);
  }
};

std::string safetensors(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + header + std::string(data_bytes, '\1');
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(arrays_test, Arrays)

BOOST_AUTO_TEST_CASE(every_number_format_is_read_as_numpy_wrote_it) {
  for (const char* name : {"bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"})
    BOOST_TEST((delivered(format("x {{}}{}.npy", name)) == content(format("{}.expected", name))), name);
  for (int version : {1, 2, 3}) BOOST_TEST((delivered(format("x {{}}version{}.npy", version)) == content("version.expected")), version);
  BOOST_TEST((delivered("x {}fortran_row.npy") == content("version.expected")));
}

BOOST_AUTO_TEST_CASE(several_files_are_read_as_one) {
  BOOST_TEST((delivered("x {}x-*.npy") == content("x.expected")));
  BOOST_TEST((delivered("x {}x-*.safetensors#features") == content("x.expected")));
}

BOOST_AUTO_TEST_CASE(a_tensor_has_the_name_of_its_field_where_none_is_given) {
  BOOST_TEST((delivered("y {}y.safetensors") == content("y.expected")));
}

BOOST_AUTO_TEST_CASE(fields_are_those_of_the_lines_and_the_files) {
  PluginUnderTest source;
  source.create(config({"x {}x-*.npy", "y {}y.safetensors role=target classes=5 pad=-1"})).start();
  const trainhost_source_info info = source_info(source);
  BOOST_REQUIRE(info.num_fields == 2u);
  BOOST_TEST(info.num_samples == 801u);
  BOOST_TEST(info.fields[0]->ndim == 1);
  BOOST_TEST(info.fields[0]->shape[0] == 4);
  BOOST_TEST(info.fields[1]->ndim == 0);
  BOOST_TEST(info.fields[1]->role == +TRAINHOST_FIELD_TARGET);
  BOOST_TEST(info.fields[1]->num_classes == 5);
  BOOST_TEST(info.fields[1]->dtype.bits == 32);
  BOOST_TEST(block_starts(source) == (std::vector<std::uint64_t>{0, 300, 800}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(every_class_counts_unless_the_line_says_otherwise) {
  for (const auto& [line, pad] : {std::pair{"y {}y.npy role=target classes=5", -1.0}, {"y {}y.npy role=target classes=5 pad=0", 0.0}, {"y {}y.npy classes=5", 0.0}, {"x {}x-0.npy role=target", 0.0}}) {
    PluginUnderTest source;
    source.create(config({line})).start();
    BOOST_TEST(source_info(source).fields[0]->pad_value == pad, line);
  }
}

BOOST_AUTO_TEST_CASE(splits_are_those_that_an_independent_program_makes) {
  for (const char* side : {"train", "heldout"}) {
    PluginUnderTest source;
    source.create(config({"x {}x-{{0,1}}.npy"}, format(R"(,"split":"{}","heldout_fraction":0.3)", side))).start();
    std::istringstream rows(python(format("'{}/oracle.py' split '{}' {} 0.3", fs::current_path(), path, side)));
    const std::string all = content("x.expected");
    std::string expected;
    for (std::size_t row; rows >> row;) expected += all.substr(row * 16, 16);
    BOOST_TEST((bytes_of_field(source, 0) == expected));
    BOOST_TEST(block_starts(source).size() == 2u);
  }
}

BOOST_AUTO_TEST_CASE(files_of_another_kind_are_refused_with_what_to_do) {
  BOOST_TEST(words("x {}fortran.npy").find("numpy.ascontiguousarray") != std::string::npos, words("x {}fortran.npy"));
  BOOST_TEST(words("x {}big_endian.npy").find("is big-endian (>f4)") != std::string::npos);
  BOOST_TEST(words("x {}objects.npy").find("pickled Python objects") != std::string::npos);
  BOOST_TEST(words("x {}texts.npy").find("format \"<U2\"") != std::string::npos);
  BOOST_TEST(words("x {}complex.npy").find("format \"<c8\"") != std::string::npos);
  BOOST_TEST(words("x {}records.npy").find("records of several fields") != std::string::npos);
  BOOST_TEST(words("x {}scalar.npy").find("a single number") != std::string::npos);
  BOOST_TEST(words("one {}y.safetensors").find("a single number") != std::string::npos);
  BOOST_TEST(words("x {}nothing.npy").find("[0], which hold nothing") != std::string::npos);
  BOOST_TEST(words("x {}x-2.npy").find("no samples") != std::string::npos);
  BOOST_TEST(words("x {}y.safetensors").find("holds no tensor \"x\"; it has one, y, z") != std::string::npos, words("x {}y.safetensors"));
  BOOST_TEST(words("__metadata__ {}y.safetensors").find("holds no tensor") != std::string::npos);
  BOOST_TEST(words("z {}y.safetensors classes=5").find("speaks of classes") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(files_that_do_not_fit_each_other_are_refused_by_name) {
  BOOST_TEST(words("x {}{{x-0,wide}}.npy").find("x-0.npy: has samples of shape [4] in float32, but") != std::string::npos, words("x {}{{x-0,wide}}.npy"));
  BOOST_TEST(words_of([&] { PluginUnderTest().create(config({"x {}x-0.npy", "y {}y.npy"})).start(); })
                 .find("field \"x\" has 300 samples in 1 files, field \"y\" has 801 in 1") != std::string::npos);
  BOOST_TEST(words("x {}gone-*.npy").find("arrays.fields: ") == 0u);
}

BOOST_AUTO_TEST_CASE(a_cut_npy_file_is_data_loss_wherever_it_was_cut) {
  const std::string whole = content("x-0.npy");
  for (std::size_t size = 0; size < whole.size(); size += size < 140 ? 1 : 997) {
    write("cut.npy", whole.substr(0, size));
    BOOST_TEST(status("x {}cut.npy") == TRAINHOST_DATA_LOSS, size);
    BOOST_TEST(words("x {}cut.npy").find("cut.npy: ") != std::string::npos);
  }
  write("long.npy", whole + "x");
  BOOST_TEST(words("x {}long.npy").find("wants 4800 bytes of elements, 4801 are there") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_damaged_header_is_never_more_than_an_error) {
  const std::string npy = content("x-0.npy"), other = content("y.safetensors");
  std::mt19937 random(1);
  PluginUnderTest source;
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = i % 2 ? npy : other;
    for (unsigned change = 0; change <= random() % 3; ++change) bytes[random() % 128] = static_cast<char>(random());
    write(i % 2 ? "bad.npy" : "bad.safetensors", bytes);
    const trainhost_status got = status_of([&] { source.create(config({i % 2 ? "y {}bad.npy" : "y {}bad.safetensors"})).start(); });
    BOOST_TEST((got == TRAINHOST_OK || got == TRAINHOST_DATA_LOSS || got == TRAINHOST_INVALID_ARGUMENT || got == TRAINHOST_NOT_FOUND), "status " << got << " in round " << i);
  }
}

BOOST_AUTO_TEST_CASE(sizes_that_do_not_fit_64_bits_are_data_loss) {
  std::string bytes = content("x-0.npy");
  bytes.replace(bytes.find("(300, 4)"), 8, "(9999999999999999999, 4)");
  bytes.erase(bytes.find("      "), 16);
  write("huge.npy", bytes);
  BOOST_TEST(status("x {}huge.npy") == TRAINHOST_DATA_LOSS);
  BOOST_TEST(words("x {}huge.npy").find("more elements than there can be") != std::string::npos, words("x {}huge.npy"));
}

BOOST_AUTO_TEST_CASE(damaged_safetensors_files_are_data_loss) {
  const std::string entry = R"("x":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]})";
  const auto status_with = [&](const std::string& bytes) {
    write("bad.safetensors", bytes);
    return status("x {}bad.safetensors");
  };
  BOOST_TEST(status_with(safetensors("{" + entry + "}", 16)) == TRAINHOST_OK);
  BOOST_TEST(status_with(safetensors("{" + entry + "}", 15)) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_with(safetensors("{" + entry + "}", 17)) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_with(safetensors("{" + entry + "," + entry + "}", 16)) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_with(safetensors(R"({"x":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]}})", 24)) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_with(safetensors(R"({"x":{"dtype":"F32","shape":[2,2],"data_offsets":[16,0]}})", 16)) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_with(safetensors(R"({"x":{"dtype":"F32","shape":[2,3],"data_offsets":[0,16]}})", 16)) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_with(safetensors(R"({"x":{"dtype":"F32","shape":[-2,-2],"data_offsets":[0,16]}})", 16)) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_with(safetensors(R"({"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,16]}})", 16)) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_with(safetensors(R"({"x":[],"y":3})", 16)) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_with(safetensors("[1]", 0)) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_with(safetensors("{", 0)) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_with("1234567") == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_with(std::string(8, '\xff') + "{}") == TRAINHOST_DATA_LOSS);
  BOOST_TEST(status_with(safetensors(R"({"x":{"dtype":"F8_E4M3","shape":[16],"data_offsets":[0,16]}})", 16)) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(truth_is_one_or_zero) {
  PluginUnderTest source;
  source.create(config({"x {}not_bool.npy"})).start();
  BOOST_TEST(words_of([&] { read(source, {1}); }).find("row 1 holds 2") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(lines_that_are_not_understood_are_refused) {
  for (const char* line : {"x", "x a.csv", "x a.safetensors#", "x a.npy role=teacher", "x a.npy b.npy", "x a.npy#y"})
    BOOST_TEST(status_of([&] { PluginUnderTest().create(format(R"({{"fields":["{}"]}})", line)); }) == TRAINHOST_INVALID_ARGUMENT, line);
  BOOST_TEST(status_of([&] { PluginUnderTest().create(R"({"fields":["x a.npy","x b.npy"]})"); }) == TRAINHOST_INVALID_ARGUMENT);
  BOOST_TEST(status_of([&] { PluginUnderTest().create(R"({"fields":[]})"); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(the_fingerprint_covers_lines_and_contents_but_not_places) {
  const auto print = [&](const std::string& line, const std::string& more = "") {
    PluginUnderTest source;
    source.create(config({line}, more)).start();
    return fingerprint(source);
  };
  fs::create_directories(path / "else");
  fs::copy_file(path / "y.npy", path / "else/y.npy");
  const std::string first = print("y {}y.npy");
  BOOST_TEST((first == print("y {}else/y.npy")));
  BOOST_TEST((first != print("z {}y.npy")));
  BOOST_TEST((first != print("y {}y.npy role=target")));
  BOOST_TEST((first != print("y {}y.npy", R"(,"heldout_fraction":0.5)")));
}

BOOST_AUTO_TEST_SUITE_END()
