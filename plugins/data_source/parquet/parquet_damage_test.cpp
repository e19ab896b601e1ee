// Files that are damaged, differ from each other, lack values or change while they are read: an error with the place, never the end of the process.
#include <trainhost/testing.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <map>
#include <random>

#include "files/testing/samples.h"
#include "testing/tables.h"

using namespace trainhost;
using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

// Written once.
const Tables& files() {
  static const Tables folder;
  static const std::string written = folder.oracle("bad");
  return folder;
}

struct Damage : Tables {
  // What reading column "alpha" of a file with these bytes ends with.
  std::string words_for(const std::string& bytes) const {
    write("t.parquet", bytes);
    return words("t.parquet", "alpha");
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(parquet_damage_test, Damage)

BOOST_AUTO_TEST_CASE(what_is_no_parquet_file_is_refused_at_the_start) {
  const std::string good = files().content("good.parquet");
  BOOST_TEST(words_for(good).empty());
  for (const auto& [bytes, words] : std::map<std::string, std::string>{{"", "0 bytes, too few for a Parquet file"},
                                                                      {"PAR1PAR1", "8 bytes, too few for a Parquet file"},
                                                                      {"{\"a\": 1, \"b\": 2}", "no Parquet file: it does not begin with PAR1"},
                                                                      {good.substr(0, good.size() - 1), "does not end with PAR1: it is cut, or its writer was not closed"},
                                                                      {"PARE" + good.substr(4), "an encrypted Parquet file"},
                                                                      {"PAR1" + std::string("\xff\xff\xff\x7f", 4) + "PAR1", "footer: "},
                                                                      {"PAR1" + std::string("\0\0\0\0", 4) + "PAR1", "footer: "}}) {
    const std::string said = words_for(bytes);
    BOOST_TEST(said.find((path / "t.parquet").string() + ": ") == 0u, said);
    BOOST_TEST(said.find(words) != std::string::npos, said);
  }
  write("t.parquet", good.substr(0, good.size() / 2));
  BOOST_TEST(status("t.parquet", "alpha") == TRAINHOST_DATA_LOSS);
}

BOOST_AUTO_TEST_CASE(every_flipped_byte_of_the_pages_is_found_by_their_checksums) {
  const std::string good = files().content("good.parquet");
  PluginUnderTest source;
  source.create(files().config("good.parquet", {"alpha"})).start();
  const std::string right = bytes_of_field(source, 0);
  // The first data of "alpha" stands behind the magic and a header of some 40 bytes; 1600 bytes of values follow.
  for (std::size_t at = 100; at < 1600; at += 50) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    const std::string said = words_for(bytes);
    BOOST_TEST(said.find("t.parquet: row group 0: ") != std::string::npos, at << ": " << said);
    BOOST_TEST(said.find("CRC checksum") != std::string::npos, at << ": " << said);
  }
}

BOOST_AUTO_TEST_CASE(random_damage_is_an_error_or_harmless) {
  std::mt19937 random(1);
  int num_refused = 0;
  for (const char* name : {"good.parquet", "plain.parquet", "gaps.parquet"}) {
    const std::string good = files().content(name);
    const std::string line = name[1] == 'a' ? "'in list' as=x length=9 missing=0" : "alpha";
    for (int round = 0; round < 1000; ++round) {
      std::string bytes = good;
      for (int flip = 0; flip < 1 + round % 3; ++flip) {
        const std::size_t from = round % 2 ? good.size() - std::min<std::size_t>(good.size(), 1200) : 0;  // half of them in the footer
        bytes[from + random() % (good.size() - from)] = static_cast<char>(random());
      }
      if (round % 5 == 0) bytes.resize(random() % bytes.size());
      write("t.parquet", bytes);
      num_refused += !words("t.parquet", line).empty();
    }
  }
  BOOST_TEST(num_refused > 200);
}

BOOST_AUTO_TEST_CASE(mixed_schemas_are_refused_with_both_files) {
  const std::string said = files().words("{good,wide}.parquet", "alpha");
  BOOST_TEST(said.find("column \"alpha\" is int32 in ") == 0u, said);
  BOOST_TEST(said.find("good.parquet and int64 in ") != std::string::npos, said);
  BOOST_TEST(said.find("wide.parquet") != std::string::npos, said);
  BOOST_TEST(files().words("{good,wide}.parquet", "beta").find("wide.parquet: has no column \"beta\"") != std::string::npos);
  BOOST_TEST(files().words("{good,plain}.parquet", "alpha").empty());
  BOOST_TEST(files().words("twice.parquet", "alpha").find("has more than one column \"alpha\"") != std::string::npos);
  BOOST_TEST(files().words("good.parquet", "alfa").find("good.parquet: has no column \"alfa\", which parquet.columns names; did you mean \"alpha\"? it has alpha, beta") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(missing_values_are_data_loss_with_their_place_unless_they_are_named) {
  const auto place = [](const std::string& line) { return files().words("gaps.parquet", line); };
  BOOST_TEST(place("number").find("gaps.parquet: row group 1, row 1, column \"number\": no value (null)") != std::string::npos, place("number"));
  BOOST_TEST(place("list length=3").find("row group 1, row 0, column \"list\": no value (null)") != std::string::npos);
  BOOST_TEST(place("'in list' as=x length=3").find("row group 0, row 1, column \"in list\": element 1 is null") != std::string::npos, place("'in list' as=x length=3"));
  BOOST_TEST(place("text length=3").find("row group 0, row 1, column \"text\": no value (null)") != std::string::npos);
  BOOST_TEST(place("text values=a,c,d,e").find("row group 0, row 1, column \"text\": no value (null)") != std::string::npos);
  BOOST_TEST(place("text values=a,c,d missing=a").find("\"e\" is none of the 3 values=") != std::string::npos);
  BOOST_TEST(place("member.x").find("row group 1, row 1, column \"member.x\": no value (null)") != std::string::npos);
  BOOST_TEST(files().status("gaps.parquet", "number") == TRAINHOST_DATA_LOSS);

  const auto numbers = [](const std::string& line) {
    const std::string bytes = files().delivered("gaps.parquet", line);
    std::vector<std::int64_t> out(bytes.size() / 8);
    std::copy_n(bytes.data(), bytes.size(), reinterpret_cast<char*>(out.data()));
    return out;
  };
  BOOST_TEST(numbers("number dtype=int64 missing=-1") == (std::vector<std::int64_t>{1, 2, 3, -1, 5}), boost::test_tools::per_element());
  BOOST_TEST(numbers("list dtype=int64 length=3 missing=-1") == (std::vector<std::int64_t>{1, 2, 4, 5}), boost::test_tools::per_element());
  BOOST_TEST(numbers("'in list' as=x dtype=int64 length=3 missing=-1") == (std::vector<std::int64_t>{1, 2, 3, -1, 4, 5}), boost::test_tools::per_element());
  BOOST_TEST(numbers("member.x missing=-1") == (std::vector<std::int64_t>{1, 2, 3, -1, -1}), boost::test_tools::per_element());
  BOOST_TEST(numbers("text values=a,c,d,e missing=c") == (std::vector<std::int64_t>{0, 1, 1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(files().delivered("gaps.parquet", "text length=4 missing=none") == "anonecde");
}

BOOST_AUTO_TEST_CASE(values_that_do_not_fit_are_data_loss_with_their_place) {
  BOOST_TEST(files().words("beyond.parquet", "alpha dtype=float32").find("row group 0, row 0, column \"alpha\": 1e+300 does not fit float32") != std::string::npos);
  BOOST_TEST(files().words("good.parquet", "alpha classes=10").find("is no class: classes= says 0 to 9") != std::string::npos);
  BOOST_TEST(files().words("plain.parquet", "text length=3").find("row group 0, row 0, column \"text\": 4 bytes, length= allows 3") != std::string::npos);
  BOOST_TEST(files().words("gaps.parquet", "list length=3 skip_first=2 missing=0").find("row group 0, row 0, column \"list\": a list of 1, skip_first and skip_last take 2") != std::string::npos);
  BOOST_TEST(files().words("gaps.parquet", "'in list' as=x length=1 missing=0").find("a list of 2, length= allows 1") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_file_that_changes_during_the_run_is_data_loss) {
  const std::string good = files().content("good.parquet");
  for (const std::size_t size : {good.size() - 10, std::size_t{100}}) {
    write("t.parquet", good);
    PluginUnderTest source;
    source.create(config("t.parquet", {"alpha"})).start();
    fs::resize_file(path / "t.parquet", size);
    BOOST_TEST(words_of([&] { read(source, {0}); }).find("t.parquet: changed during the run") != std::string::npos);
    BOOST_TEST((status_of([&] { read(source, {0}); }) == TRAINHOST_DATA_LOSS));
  }
}

BOOST_AUTO_TEST_CASE(files_without_rows_are_refused) {
  const Tables& folder = files();
  BOOST_TEST(folder.words("gone.parquet", "alpha").find("parquet.files: ") == 0u);
  const Tables empty;
  empty.oracle("write");
  BOOST_TEST(empty.words("empty.parquet", "int8").find("no samples: 0 in 1 files") != std::string::npos, empty.words("empty.parquet", "int8"));
}

BOOST_AUTO_TEST_SUITE_END()
