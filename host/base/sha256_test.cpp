// Against the examples of FIPS 180-4 and its companion page of NIST.
#include "base/sha256.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include "base/files.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(sha256_test)

namespace {

namespace data = boost::unit_test::data;

struct Example {
  std::string text;
  const char* digest;
};
std::ostream& operator<<(std::ostream& out, const Example& example) { return out << example.text.substr(0, 20); }

const std::vector<Example> kExamples = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {std::string(1'000'000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

}  // namespace

BOOST_DATA_TEST_CASE(the_published_examples_of_bytes_and_of_files, data::make(kExamples)) {
  BOOST_TEST(sha256(sample.text) == sample.digest);
  const auto file = std::filesystem::temp_directory_path() / format("trainhost-sha256-{}", ::getpid());
  write_file_atomically(file, sample.text);
  BOOST_TEST(sha256_of_file(file, ExitCode::kPlugin) == sample.digest);
  std::filesystem::remove(file);
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_named) {
  BOOST_CHECK_EXCEPTION(sha256_of_file("/no/such/file", ExitCode::kPlugin), Error, [](const Error& error) {
    return error.code() == ExitCode::kPlugin && std::string(error.what()) == "/no/such/file: cannot be read: No such file or directory";
  });
  BOOST_CHECK_THROW(sha256_of_file("/", ExitCode::kPlugin), Error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
