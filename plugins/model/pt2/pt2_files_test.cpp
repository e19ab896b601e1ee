// Files that nobody vouches for: ZIP and safetensors, whole, cut and altered.
#include <boost/test/unit_test.hpp>

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>

#include <cstring>
#include <functional>
#include <random>

#include <trainhost/cpp/error.hpp>

#include "mapped_file.h"
#include "safetensors.h"
#include "testing/python.h"
#include "zip.h"

using trainhost::PluginError;
using namespace pt2_testing;

namespace {

constexpr const char* kWriteZip = R"(-c "
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as out:
    out.writestr('a.txt', 'alpha')
    with out.open('folder/b.bin', 'w', force_zip64=True) as member:
        member.write(bytes(range(256)))
    out.writestr('empty', '')
    if len(sys.argv) > 2:
        out.writestr('c', 'c' * 100, zipfile.ZIP_DEFLATED)
" )";

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

std::vector<std::byte> safetensors(const std::string& header, size_t data_bytes) {
  std::vector<std::byte> file(8);
  const uint64_t size = header.size();
  std::memcpy(file.data(), &size, sizeof size);
  const auto text = bytes_of(header);
  file.insert(file.end(), text.begin(), text.end());
  file.resize(file.size() + data_bytes);
  return file;
}

std::string words_of_failure(const std::function<void()>& body) {
  try {
    body();
  } catch (const PluginError& error) {
    return error.message;
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pt2_files_test)

BOOST_AUTO_TEST_CASE(entries_are_those_that_python_wrote) {
  const Folder folder;
  python(kWriteZip + (folder.path / "x.zip").string());
  const pt2::MappedFile file(folder.path / "x.zip");
  const pt2::ZipEntries entries("x.zip", file.bytes());
  BOOST_TEST(entries.all().size() == 3u);
  BOOST_TEST(entries.text("a.txt") == "alpha");
  BOOST_TEST(entries.at("folder/b.bin").size() == 256u);
  BOOST_TEST(static_cast<int>(entries.at("folder/b.bin")[200]) == 200);
  BOOST_TEST(entries.at("empty").empty());
  BOOST_TEST(words_of_failure([&] { entries.at("other"); }).find("no entry \"other\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_file_cut_anywhere_is_refused) {
  const Folder folder;
  python(kWriteZip + (folder.path / "x.zip").string());
  const pt2::MappedFile file(folder.path / "x.zip");
  for (size_t size = 0; size < file.bytes().size(); ++size) {
    const std::vector<std::byte> cut(file.bytes().begin(), file.bytes().begin() + static_cast<std::ptrdiff_t>(size));
    BOOST_REQUIRE_MESSAGE(!words_of_failure([&] { pt2::ZipEntries("x.zip", cut); }).empty(), "cut to " << size << " bytes");
  }
}

// Any answer but a PluginError, or entries inside of the file, would be a crash here or under a sanitizer.
BOOST_AUTO_TEST_CASE(altered_bytes_never_lead_outside_of_the_file) {
  const Folder folder;
  python(kWriteZip + (folder.path / "x.zip").string());
  const pt2::MappedFile file(folder.path / "x.zip");
  std::mt19937 random(7);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::byte> altered(file.bytes().begin(), file.bytes().end());
    for (int change = 0; change < 4; ++change) altered[random() % altered.size()] = random() % 2 ? std::byte{0xff} : static_cast<std::byte>(random());
    refused += !words_of_failure([&] {
                  const pt2::ZipEntries entries("x.zip", altered);
                  for (const auto& [name, bytes] : entries.all())
                    BOOST_REQUIRE(bytes.empty() || (bytes.data() >= altered.data() && bytes.data() + bytes.size() <= altered.data() + altered.size()));
                }).empty();
  }
  BOOST_TEST(refused > 0);
}

BOOST_AUTO_TEST_CASE(a_compressed_entry_is_refused_by_name) {
  const Folder folder;
  python(kWriteZip + (folder.path / "x.zip").string() + " compressed");
  const pt2::MappedFile file(folder.path / "x.zip");
  const std::string words = words_of_failure([&] { pt2::ZipEntries("x.zip", file.bytes()); });
  BOOST_TEST(words.find("entry \"c\" is compressed") != std::string::npos, words);
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_refused_with_the_reason) {
  const Folder folder;
  BOOST_TEST(words_of_failure([&] { pt2::MappedFile(folder.path / "none"); }).find("No such file") != std::string::npos);
  BOOST_TEST(words_of_failure([&] { pt2::MappedFile file(folder.path); }).find("no regular file") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(tensors_are_those_that_safetensors_wrote) {
  const Folder folder;
  const std::string path = (folder.path / "x.safetensors").string();
  python(R"(-c "
import sys, torch
from safetensors.torch import save_file
save_file({'a': torch.arange(6).view(2, 3), 'b': torch.tensor(2.5, dtype=torch.bfloat16), 'none': torch.zeros(0, 4)}, sys.argv[1], {'about': 'x'})
" )" + path);
  const pt2::MappedFile file(path);
  const auto tensors = pt2::read_safetensors(file.bytes(), "x");
  BOOST_TEST(tensors.size() == 3u);
  BOOST_TEST(at::equal(pt2::copied(tensors.at("a")), at::arange(6).view({2, 3})));
  BOOST_TEST((tensors.at("b").dtype == at::kBFloat16));
  BOOST_TEST(pt2::copied(tensors.at("b")).item<float>() == 2.5f);
  BOOST_TEST((pt2::copied(tensors.at("none")).sizes() == at::IntArrayRef{0, 4}));
}

BOOST_AUTO_TEST_CASE(tensors_that_do_not_fit_their_file_are_refused) {
  const auto refused = [](const std::string& header, size_t bytes) { return words_of_failure([&] { pt2::read_safetensors(safetensors(header, bytes), "x"); }); };
  BOOST_TEST(refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8) == "");
  BOOST_TEST(refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7).find("outside of the file") != std::string::npos);
  BOOST_TEST(refused(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8).find("needs 12 bytes, it has 8") != std::string::npos);
  BOOST_TEST(refused(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}})", 8).find("shape that no tensor has") != std::string::npos);
  BOOST_TEST(refused(R"({"a":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,0]}})", 8).find("shape that no tensor has") != std::string::npos);
  BOOST_TEST(refused(R"({"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}})", 8).find("\"Q4\"") != std::string::npos);
  BOOST_TEST(refused(R"({"a":{"shape":[2]}})", 8).find("no safetensors header") != std::string::npos);
  BOOST_TEST(refused("{", 0).find("no JSON") != std::string::npos);
  std::vector<std::byte> lying(16);
  std::memset(lying.data(), 0xff, 8);
  BOOST_TEST(words_of_failure([&] { pt2::read_safetensors(lying, "x"); }).find("longer than the file") != std::string::npos);
  BOOST_TEST(words_of_failure([&] { pt2::read_safetensors(std::span(lying).first(5), "x"); }).find("at least 8") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
