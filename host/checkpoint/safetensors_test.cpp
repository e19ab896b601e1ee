// The safetensors writer against Python's reader and back, and the reader against everything that is no safetensors file.
#include "checkpoint/safetensors.h"

#include <boost/test/unit_test.hpp>
#include <boost/test/data/test_case.hpp>
#include <rapidcheck.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/files.h"
#include "checkpoint/transfer.h"

using namespace trainhost;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(safetensors_test)

namespace {

std::string file_of(const std::string& header, const std::string& payload) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + payload;
}

std::string whole_file(std::span<const TensorView> tensors) {
  const SafetensorsLayout layout = lay_out_safetensors(tensors);
  std::string file(layout.bytes, '\0');
  ObjectSource(layout).copy(0, std::as_writable_bytes(std::span(file)));
  return file;
}

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

TensorView tensor(const std::string& name, const std::string& dtype, std::vector<int64_t> shape, const std::string& payload) {
  return {name, dtype, std::move(shape), reinterpret_cast<const std::byte*>(payload.data()), payload.size()};
}

struct Refused {
  const char* what;
  std::string file;
};
std::ostream& operator<<(std::ostream& out, const Refused& refused) { return out << refused.what; }

const std::string kOne = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
const std::vector<Refused> kRefused{
    {"the file has 3 bytes", "abc"},
    {"over the limit", std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10)},
    {"goes past the end", std::string("\x09\0\0\0\0\0\0\0{}", 10)},
    {"does not begin with", file_of(" {}", "")},
    {"does not begin with", file_of("", "")},
    {"does not begin with", file_of("{}\n", "")},
    {"is no JSON", file_of("{,}", "")},
    {"is no JSON", file_of("{\"\xff\":1}", "")},
    {"nested too deeply", file_of(R"({"a":[[[[[[1]]]]]]})", "")},
    {"key a is there twice", file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x")},
    {"key shape is there twice", file_of(R"({"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}})", "x")},
    {"want exactly", file_of(R"({"a":{"dtype":"U8","shape":[1]}})", "x")},
    {"want exactly", file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1}})", "x")},
    {"wrong type", file_of(R"({"a":{"dtype":8,"shape":[1],"data_offsets":[0,1]}})", "x")},
    {"unknown dtype", file_of(R"({"a":{"dtype":"U9","shape":[1],"data_offsets":[0,1]}})", "x")},
    {"want a whole number", file_of(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", "x")},
    {"want a whole number", file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1.5]}})", "x")},
    {"want a whole number", file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,99999999999999999999]}})", "x")},
    {"too large", file_of(R"({"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,1]}})", "x")},
    {"overflows", file_of(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,1]}})", "x")},
    {"no whole number of bytes", file_of(R"({"a":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}})", "x")},
    {"before it begins", file_of(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[1,0]}})", "x")},
    {"shape and dtype want 2", file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}})", "x")},
    {"hole", file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", "xx")},
    {"overlap", file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", "xx")},
    {"the tensors end at 2, the data at 3", file_of(kOne, "xxx")},
    {"the tensors end at 2, the data at 1", file_of(kOne, "x")},
    {"want an object", file_of(R"({"__metadata__":[]})", "")},
    {"is no string", file_of(R"({"__metadata__":{"a":1}})", "")},
};

void run_python(const std::string& program, const std::filesystem::path& folder) {
  const char* python = std::getenv("TRAINHOST_PYTHON");
  std::ofstream(folder / "oracle.py") << program;
  BOOST_TEST_REQUIRE(std::system(format("'{}' '{}' '{}'", python, (folder / "oracle.py").string(), folder.string()).c_str()) == 0);
}

bool has_python_safetensors() {
  const char* python = std::getenv("TRAINHOST_PYTHON");
  return python && *python && std::system(format("'{}' -c 'import safetensors.numpy, numpy' 2>/dev/null", python).c_str()) == 0;
}

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / format("trainhost-safetensors-{}", ::getpid());
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

BOOST_DATA_TEST_CASE(refuses_what_is_not_exactly_one_file, data::make(kRefused), refused) {
  BOOST_CHECK_EXCEPTION(read_safetensors(bytes(refused.file)), SafetensorsError, [&](const SafetensorsError& error) {
    BOOST_TEST_MESSAGE(error.what());
    return std::string(error.what()).find(refused.what) != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(accepts_padding_empty_tensors_and_scalars) {
  const SafetensorsFile file = [] {
    static const std::string text = file_of(R"({"s":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"e":{"dtype":"F32","shape":[0,7],"data_offsets":[1,1]},"__metadata__":{"k":"v"}}   )", "x");
    return read_safetensors(bytes(text));
  }();
  BOOST_TEST(file.tensors.size() == 2u);
  BOOST_TEST(file.metadata.at("k") == "v");
}

BOOST_AUTO_TEST_CASE(writes_data_at_a_multiple_of_4096_widest_elements_first) {
  const std::string eight(8, 'd'), three("bcd");
  const std::vector<TensorView> tensors{tensor("a", "U8", {3}, three), tensor("z", "F64", {1}, eight), tensor("b", "F64", {1}, eight)};
  const std::string file = whole_file(tensors);
  const SafetensorsFile read = read_safetensors(bytes(file));
  BOOST_TEST(read.header_bytes == kSafetensorsAlignment);
  BOOST_TEST(read.tensors[0].name == "b");
  BOOST_TEST(read.tensors[1].name == "z");
  BOOST_TEST(read.tensors[2].name == "a");
}

BOOST_AUTO_TEST_CASE(refuses_to_write_what_it_would_not_read) {
  const std::string four(4, 'x');
  const TensorView good = tensor("a", "F32", {1}, four);
  const auto refuses = [](const std::vector<TensorView>& tensors) { BOOST_CHECK_THROW(lay_out_safetensors(tensors), SafetensorsError); };
  refuses({good, good});
  refuses({tensor("__metadata__", "F32", {1}, four)});
  refuses({tensor("a", "F32", {2}, four)});
  refuses({tensor("a", "F33", {1}, four)});
  refuses({tensor("a", "F32", {-1}, four)});
  refuses({tensor("\xff", "F32", {1}, four)});
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_back) {
  const bool is_law = rc::check("read(write(x)) == x", [] {
    const auto names = *rc::gen::unique<std::vector<std::string>>(rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange<char>(32, 127))));
    std::vector<std::string> payloads;
    std::vector<TensorView> tensors;
    for (const std::string& name : names) {
      const auto dtype = *rc::gen::element<std::string>("F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL");
      const auto shape = *rc::gen::resize(4, rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(0, 5)));
      uint64_t size = safetensors_bits(dtype) / 8;
      for (const int64_t extent : shape) size *= static_cast<uint64_t>(extent);
      payloads.push_back(*rc::gen::container<std::string>(size, rc::gen::arbitrary<char>()));
      tensors.push_back({name, dtype, shape, nullptr, size});
    }
    for (size_t i = 0; i < tensors.size(); ++i) tensors[i].data = reinterpret_cast<const std::byte*>(payloads[i].data());
    const std::string file = whole_file(tensors);
    const SafetensorsFile read = read_safetensors(bytes(file));
    RC_ASSERT(read.tensors.size() == tensors.size());
    for (const TensorView& wanted : tensors) {
      const auto got = std::find_if(read.tensors.begin(), read.tensors.end(), [&](const TensorView& other) { return other.name == wanted.name; });
      RC_ASSERT(got != read.tensors.end());
      RC_ASSERT(got->dtype == wanted.dtype && got->shape == wanted.shape && got->bytes == wanted.bytes);
      RC_ASSERT(std::equal(got->data, got->data + got->bytes, wanted.data));
    }
  });
  BOOST_TEST(is_law);
}

BOOST_AUTO_TEST_CASE(python_reads_what_is_written, *boost::unit_test::precondition([](auto) { return boost::test_tools::assertion_result(has_python_safetensors()); })) {
  const Folder folder;
  const std::vector<float> weight{0, 1.5f, -2, 3, 4, 5};
  const std::string bytes3("\x01\x02\xff", 3), half("\x00\x3c", 2);
  const std::vector<TensorView> tensors{{"h.0.weight", "F32", {2, 3}, reinterpret_cast<const std::byte*>(weight.data()), 24}, tensor("u", "U8", {3}, bytes3), tensor("scalar", "F16", {}, half), tensor("none", "I64", {0, 4}, "")};
  write_file_atomically(folder.path / "ours.safetensors", whole_file(tensors));
  run_python(R"(import sys, numpy as np
from safetensors.numpy import load_file
t = load_file(sys.argv[1] + "/ours.safetensors")
assert sorted(t) == ["h.0.weight", "none", "scalar", "u"], sorted(t)
assert t["h.0.weight"].dtype == np.float32 and (t["h.0.weight"] == [[0, 1.5, -2], [3, 4, 5]]).all()
assert t["u"].tolist() == [1, 2, 255] and t["scalar"].shape == () and t["scalar"] == 1 and t["none"].shape == (0, 4)
)", folder.path);
}

BOOST_AUTO_TEST_CASE(what_python_wrote_is_read, *boost::unit_test::precondition([](auto) { return boost::test_tools::assertion_result(has_python_safetensors()); })) {
  const Folder folder;
  run_python(R"(import sys, numpy as np
from safetensors.numpy import save_file
save_file({"b": np.arange(6, dtype=np.int16).reshape(3, 2), "a": np.array(2.5), "\u00e9": np.zeros((0,), np.float32), "f": np.array([True, False])},
          sys.argv[1] + "/theirs.safetensors", metadata={"who": "python"})
)", folder.path);
  const std::string file = read_file(folder.path / "theirs.safetensors");
  const SafetensorsFile read = read_safetensors(bytes(file));
  BOOST_TEST(read.metadata.at("who") == "python");
  std::map<std::string, TensorView> by_name;
  for (const TensorView& view : read.tensors) by_name[view.name] = view;
  BOOST_TEST_REQUIRE(by_name.size() == 4u);
  BOOST_TEST(by_name.at("b").dtype == "I16");
  BOOST_TEST((by_name.at("b").shape == std::vector<int64_t>{3, 2}));
  int16_t last = 0;
  std::memcpy(&last, by_name.at("b").data + 10, 2);
  BOOST_TEST(last == 5);
  BOOST_TEST(by_name.at("a").shape.empty());
  BOOST_TEST(by_name.at("\u00e9").bytes == 0u);
  BOOST_TEST(by_name.at("f").dtype == "BOOL");
}

BOOST_AUTO_TEST_CASE(finds_the_first_value_that_is_not_finite) {
  std::vector<float> values(10000, 1.0f);
  const TensorView view{"w", "F32", {10000}, reinterpret_cast<const std::byte*>(values.data()), 40000};
  BOOST_TEST(first_non_finite({&view, 1}).empty());
  values[0] = std::numeric_limits<float>::max(), values[1] = std::numeric_limits<float>::denorm_min();
  BOOST_TEST(first_non_finite({&view, 1}).empty());
  values[9999] = std::numeric_limits<float>::quiet_NaN();
  BOOST_TEST(first_non_finite({&view, 1}) == "tensor w, element 9999 is nan");
  values[4097] = -std::numeric_limits<float>::infinity();
  BOOST_TEST(first_non_finite({&view, 1}) == "tensor w, element 4097 is inf");
}

BOOST_AUTO_TEST_CASE(many_threads_find_the_same_first_one) {
  std::vector<std::vector<float>> values{std::vector<float>(3'000'000, 1.0f), std::vector<float>(7, 1.0f), std::vector<float>(2'500'001, 1.0f)};
  std::vector<TensorView> tensors;
  for (size_t i = 0; i < values.size(); ++i)
    tensors.push_back({"t" + std::to_string(i), "F32", {static_cast<int64_t>(values[i].size())}, reinterpret_cast<const std::byte*>(values[i].data()), values[i].size() * 4});
  BOOST_TEST(first_non_finite(tensors, 4) == "");
  const std::pair<size_t, size_t> places[] = {{2, 2'500'000}, {2, 2'097'152}, {1, 6}, {0, 2'999'999}, {0, 1'048'576}, {0, 0}};  // each before the one before
  for (const auto& [tensor, element] : places) {
    values[tensor][element] = std::numeric_limits<float>::infinity();
    for (const unsigned num_threads : {1u, 2u, 8u})
      BOOST_TEST(first_non_finite(tensors, num_threads) == "tensor t" + std::to_string(tensor) + ", element " + std::to_string(element) + " is inf");
  }
}

BOOST_AUTO_TEST_CASE(knows_infinity_in_every_floating_format_and_none_in_integers) {
  const auto found = [](const char* dtype, const std::string& payload) {
    const TensorView view = tensor("w", dtype, {1}, payload);
    return first_non_finite({&view, 1});
  };
  BOOST_TEST(found("F64", std::string("\0\0\0\0\0\0\xf0\xff", 8)) == "tensor w, element 0 is inf");
  BOOST_TEST(found("F16", std::string("\x00\x7c", 2)) == "tensor w, element 0 is inf");
  BOOST_TEST(found("F16", std::string("\xff\x7b", 2)) == "");
  BOOST_TEST(found("BF16", std::string("\x80\x7f", 2)) == "tensor w, element 0 is inf");
  BOOST_TEST(found("BF16", std::string("\x81\xff", 2)) == "tensor w, element 0 is nan");
  BOOST_TEST(found("I32", std::string("\xff\xff\xff\xff", 4)) == "");
}

BOOST_AUTO_TEST_SUITE_END()
