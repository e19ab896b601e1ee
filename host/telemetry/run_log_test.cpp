// log.jsonl: whole lines, seq over resumes, half lines, full disks.
#include "telemetry/run_log.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "base/files.h"

namespace trainhost {
namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path folder;
  Folder() {
    std::string pattern = fs::temp_directory_path() / "trainhost-run-log-XXXXXX";
    folder = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(folder); }
  fs::path path() const { return folder / "log.jsonl"; }
  void put(std::string_view text) const { std::ofstream(path(), std::ios::binary) << text; }
  std::vector<nlohmann::json> whole_lines() const {
    std::istringstream in(read_file(path()));
    std::vector<nlohmann::json> lines;
    for (std::string line; std::getline(in, line);)
      if (nlohmann::json object = nlohmann::json::parse(line, nullptr, false); object.is_object()) lines.push_back(std::move(object));
    return lines;
  }
};

Event note(int number) { return {.name = "note", .details = {{"number", number}}, .unix_ns = 1795373250'950'000'000}; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(run_log_test, Folder)

BOOST_AUTO_TEST_CASE(a_line_has_the_head_first_and_the_details_in_their_order) {
  BOOST_TEST(log_line_text({.name = "step", .details = {{"step", 400}, {"loss", 2.5}, {"a", nullptr}}, .unix_ns = 1795373250'950'000'000}, 412) ==
             "{\"v\":1,\"seq\":412,\"time\":\"2026-11-22T18:47:30.950Z\",\"event\":\"step\",\"step\":400,\"loss\":2.5,\"a\":null}\n");
  BOOST_TEST(log_line_text({.name = "empty"}, 0) == "{\"v\":1,\"seq\":0,\"time\":\"1970-01-01T00:00:00.000Z\",\"event\":\"empty\"}\n");
}

BOOST_AUTO_TEST_CASE(whatever_a_text_holds_the_line_stays_one_line_of_json) {
  const std::string line = log_line_text({.name = "stop", .details = {{"reason", std::string("a\nb\"\\\xff\x01\0z", 9)}, {"value", std::nan("")}}}, 1);
  BOOST_TEST(std::count(line.begin(), line.end(), '\n') == 1);
  const auto object = nlohmann::json::parse(line);
  BOOST_TEST(object.at("reason").get<std::string>().starts_with("a\nb\"\\"));
  BOOST_TEST(object.at("value").is_null());
}

BOOST_AUTO_TEST_CASE(seq_goes_on_over_resumes) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto log = RunLog::open(path());
    log->write(note(attempt));
    log->write(note(attempt));
  }
  const auto lines = whole_lines();
  BOOST_TEST_REQUIRE(lines.size() == 6U);
  for (size_t i = 0; i < lines.size(); ++i) BOOST_TEST(lines[i].at("seq") == i);
}

BOOST_AUTO_TEST_CASE(a_half_last_line_is_left_and_closed) {
  put("{\"v\":1,\"seq\":7,\"event\":\"note\"}\n{\"v\":1,\"seq\":8,\"ev");
  RunLog::open(path())->write(note(1));
  const std::string text = read_file(path());
  BOOST_TEST(text.starts_with("{\"v\":1,\"seq\":7,\"event\":\"note\"}\n{\"v\":1,\"seq\":8,\"ev\n{\"v\":1,\"seq\":8,"));
  BOOST_TEST(whole_lines().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_last_line_that_lacks_only_its_newline_counts) {
  put("{\"v\":1,\"seq\":7,\"event\":\"note\"}");
  RunLog::open(path())->write(note(1));
  BOOST_TEST(whole_lines().back().at("seq") == 8);
}

BOOST_AUTO_TEST_CASE(a_file_that_only_a_half_line_is_in_begins_at_zero) {
  put("{\"v\":1,\"se");
  RunLog::open(path())->write(note(1));
  BOOST_TEST(whole_lines().back().at("seq") == 0);
}

BOOST_AUTO_TEST_CASE(the_end_is_found_behind_lines_longer_than_a_block) {
  const std::string filler(200'000, 'x');
  put(format("{{\"seq\":5,\"filler\":\"{}\"}}\n{{\"seq\":6,\"half\":\"{}", filler, filler));
  BOOST_TEST(RunLog::open(path())->next_seq() == 6U);
}

BOOST_AUTO_TEST_CASE(every_line_is_cut_at_any_byte_and_the_log_goes_on) {
  {
    const auto log = RunLog::open(path());
    log->write(note(1));
    log->write(note(2));
  }
  const std::string whole = read_file(path());
  const size_t first = whole.find('\n') + 1;
  for (size_t size = 0; size <= whole.size(); ++size) {
    put(whole.substr(0, size));
    RunLog::open(path())->write(note(3));
    const auto lines = whole_lines();
    const uint64_t num_whole = size + 1 >= whole.size() ? 2 : size + 1 >= first ? 1 : 0;  // a line may lack its newline
    BOOST_TEST_REQUIRE(lines.size() == num_whole + 1);
    BOOST_TEST_REQUIRE(lines.back().at("seq") == num_whole);
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_counted_said_once_and_leaves_the_next_lines_whole) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto log = RunLog::open(path());
  log->write(note(0));
  const rlimit full{fs::file_size(path()) + 10, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &full);
  for (int i = 1; i <= 3; ++i) log->write(note(i));
  ::setrlimit(RLIMIT_FSIZE, &before);
  log->write(note(4));

  BOOST_TEST(log->num_missing_lines() == 3U);
  BOOST_TEST(log->report() == path().string() + ": 3 events are missing: File too large");
  const auto lines = whole_lines();
  BOOST_TEST_REQUIRE(lines.size() == 2U);
  BOOST_TEST(lines[1].at("seq") == 4);  // the gap shows what is missing
}

BOOST_AUTO_TEST_CASE(a_log_that_cannot_be_opened_is_named) {
  BOOST_CHECK_EXCEPTION(RunLog::open(folder / "none/log.jsonl"), Error, [&](const Error& error) {
    return error.code() == ExitCode::kConfig && std::string(error.what()).starts_with((folder / "none/log.jsonl").string() + ": cannot be opened");
  });
}

BOOST_AUTO_TEST_CASE(lines_of_many_threads_do_not_mix) {
  const auto log = RunLog::open(path());
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer)
    writers.emplace_back([&] {
      for (int i = 0; i < 100; ++i) log->write(note(i));
    });
  for (auto& writer : writers) writer.join();
  const auto lines = whole_lines();
  BOOST_TEST_REQUIRE(lines.size() == 400U);
  for (size_t i = 0; i < lines.size(); ++i) BOOST_TEST_REQUIRE(lines[i].at("seq") == i);
}

BOOST_AUTO_TEST_CASE(the_newest_line_of_an_event_is_found) {
  put("{\"event\":\"ledger\",\"n\":1}\n{\"event\":\"ledger\",\"n\":2}\n{\"event\":\"step\"}\n{\"event\":\"ledger\",\"n\"");
  BOOST_TEST(RunLog::last_line(path(), "ledger").value().at("n") == 2);
  BOOST_TEST(!RunLog::last_line(path(), "run_end").has_value());
  BOOST_TEST(!RunLog::last_line(folder / "none", "ledger").has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
