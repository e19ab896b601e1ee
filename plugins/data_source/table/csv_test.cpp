// Rows and cells against Python's csv, in whatever pieces the file is read; and what is no csv.
#include "csv.h"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <filesystem>
#include <random>
#include <stdexcept>

#include "files/testing/folder.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

struct Stray : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The rows as oracle.py writes them; the file comes in pieces of up to `most` bytes.
std::string rows_of(const std::string& bytes, char delimiter, std::size_t most, unsigned seed) {
  std::vector<std::size_t> starts;
  CsvScanner scanner(
      delimiter, [&](std::uint64_t offset) { starts.push_back(offset); }, [](std::uint64_t offset, std::string_view words) { throw Stray(format("{}: {}", offset, words)); });
  std::mt19937 random(seed);
  for (std::size_t at = 0, size; at < bytes.size(); at += size) {
    size = 1 + random() % most;
    scanner.feed(std::string_view(bytes).substr(at, size));
  }
  scanner.finish();
  starts.push_back(bytes.size());
  std::string out;
  const auto put = [&](std::size_t number) {
    const auto value = static_cast<std::int32_t>(number);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  for (std::size_t row = 0; row + 1 < starts.size(); ++row) {
    const auto cells = split_csv_row(std::string_view(bytes).substr(starts[row], starts[row + 1] - starts[row]), delimiter);
    put(cells.size());
    for (const Cell& cell : cells) put(cell.text.size()), out += cell.text;
  }
  return out;
}

std::string stray(const std::string& bytes) {
  try {
    rows_of(bytes, ',', 100, 1);
  } catch (const Stray& words) {
    return words.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(csv_test)

BOOST_AUTO_TEST_CASE(rows_and_cells_are_those_of_python) {
  const TemporaryFolder folder;
  for (unsigned seed = 0; seed < 20; ++seed) {
    python(format("'{}/oracle.py' cells '{}' {}", fs::current_path(), folder.path / "f", seed));
    const std::string bytes = folder.content("f.csv"), expected = folder.content("f.cells");
    BOOST_REQUIRE(expected.size() > 1000);
    for (const std::size_t most : {1u, 7u, 100000u}) BOOST_TEST((rows_of(bytes, ',', most, seed) == expected), "seed " << seed << ", pieces of " << most);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_csv_is_refused_where_it_stands) {
  BOOST_TEST(stray("a,b\"c\n").find("3: a quote in a cell") == 0u, stray("a,b\"c\n"));
  BOOST_TEST(stray("a,\"b\" c\n").find("5: something follows a closing quote") == 0u, stray("a,\"b\" c\n"));
  BOOST_TEST(stray("a,\"bc\nd,e\n").find("2: a quote that is not closed") == 0u);
  BOOST_TEST(stray("a\rb\n").find("1: a carriage return without a line feed") == 0u);
  BOOST_TEST(stray("a\r").find("1: a carriage return without a line feed") == 0u);
  BOOST_TEST(stray("a,\"b\r\"\"c\"\n").empty());
}

BOOST_AUTO_TEST_CASE(nothing_and_blank_lines_are_no_rows) {
  for (const char* bytes : {"", "\n", "\r\n\n"}) BOOST_TEST(rows_of(bytes, ',', 3, 1).empty());
  BOOST_TEST(split_csv_row(",\n", ',').size() == 2u);
  BOOST_TEST(split_csv_row("\"\"", ',').size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
