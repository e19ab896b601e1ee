// csvlog: rows, resumes, half rows, foreign files, full disks. The oracle for the format is Python's csv module.
#include <sys/resource.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;
namespace fs = std::filesystem;

namespace {

const std::string kHeader = "time,attempt,step,origin,set,name,value,standard_error\n";
constexpr std::int64_t kTime = 1795373250'950'000'000;

struct Folder {
  fs::path folder;
  Folder() {
    std::string pattern = fs::temp_directory_path() / "trainhost-csvlog-XXXXXX";
    folder = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(folder); }
  fs::path path() const { return folder / "metrics.csv"; }
  void put(std::string_view text) const { std::ofstream(path(), std::ios::binary) << text; }
  std::string text() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void start(PluginUnderTest& plugin, std::string_view config = "{}") const {
    plugin.host.run_folder = folder.string();
    plugin.create(config).start();
  }
  void write(PluginUnderTest& plugin, std::uint64_t step) const {
    on_event(plugin, "step", "{}", nullptr, {{.name = "loss", .set = "", .value = 2.5, .step = step, .origin = TRAINHOST_METRIC_TRAIN}}, kTime);
  }
  void attempt(std::uint64_t step) const {
    PluginUnderTest plugin;
    start(plugin);
    write(plugin, step);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(csvlog_test, Folder)

BOOST_AUTO_TEST_CASE(a_metric_is_a_row) {
  PluginUnderTest plugin;
  start(plugin);
  on_event(plugin, "evaluation", "{}", nullptr,
           {{.value = 2.9512, .standard_error = 0.0121, .step = 400},
            {.name = "tokens_per_second", .set = "", .value = 1e6, .step = 400, .origin = TRAINHOST_METRIC_SYSTEM}},
           kTime);
  BOOST_TEST(text() == kHeader +
                           "2026-11-22T18:47:30.950Z,1,400,evaluation,heldout,loss,2.9512,0.0121\n"
                           "2026-11-22T18:47:30.950Z,1,400,system,,tokens_per_second,1e+06,\n");
}

BOOST_AUTO_TEST_CASE(rows_are_there_as_soon_as_the_event_is_done) {
  PluginUnderTest plugin;
  start(plugin);
  write(plugin, 1);
  BOOST_TEST(text().ends_with(",1,1,train,,loss,2.5,\n"));
}

BOOST_AUTO_TEST_CASE(a_resume_appends_under_the_next_attempt_and_no_two_rows_are_the_same) {
  attempt(1);
  attempt(1);  // the step is taken again
  attempt(2);
  BOOST_TEST(text() == kHeader +
                           "2026-11-22T18:47:30.950Z,1,1,train,,loss,2.5,\n"
                           "2026-11-22T18:47:30.950Z,2,1,train,,loss,2.5,\n"
                           "2026-11-22T18:47:30.950Z,3,2,train,,loss,2.5,\n");
}

BOOST_AUTO_TEST_CASE(a_file_cut_at_any_byte_goes_on_with_whole_rows) {
  attempt(1);
  attempt(2);
  const std::string whole = text();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put(whole.substr(0, size));
    attempt(7);
    const std::string kept = size < kHeader.size() ? kHeader : whole.substr(0, whole.rfind('\n', size - 1) + 1);
    const auto num_rows = std::count(kept.begin(), kept.end(), '\n') - 1;
    BOOST_TEST_REQUIRE(text() == kept + trainhost::format("2026-11-22T18:47:30.950Z,{},7,train,,loss,2.5,\n", num_rows + 1));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_file_of_csvlog_is_refused_and_left_alone) {
  for (const char* foreign : {"a,b\n1,2\n", "no newline at all", "time,attempt,step\n"}) {
    put(foreign);
    PluginUnderTest plugin;
    const std::string words = words_of([&] { start(plugin); });
    BOOST_TEST(words.starts_with(path().string() + ": is no file of csvlog"));
    plugin.destroy();
    BOOST_TEST(text() == foreign);
  }
}

BOOST_AUTO_TEST_CASE(the_file_may_be_named_and_may_stand_elsewhere) {
  PluginUnderTest relative, absolute;
  start(relative, R"({"file":"other.csv"})");
  start(absolute, trainhost::format("{{\"file\":\"{}/absolute.csv\"}}", folder));
  BOOST_TEST(fs::exists(folder / "other.csv"));
  BOOST_TEST(fs::exists(folder / "absolute.csv"));
}

BOOST_AUTO_TEST_CASE(a_folder_that_does_not_exist_is_named_at_start) {
  PluginUnderTest plugin;
  const std::string words = words_of([&] { start(plugin, R"({"file":"none/metrics.csv"})"); });
  BOOST_TEST(words == (folder / "none/metrics.csv").string() + ": cannot be opened for appending: No such file or directory");
}

BOOST_AUTO_TEST_CASE(creating_writes_nothing_and_a_start_without_metrics_leaves_nothing) {
  PluginUnderTest plugin;
  plugin.host.run_folder = folder.string();
  plugin.create("{}");
  BOOST_TEST(!fs::exists(path()));
  plugin.start();
  on_event(plugin, "run_start");
  plugin.destroy();
  BOOST_TEST(!fs::exists(path()));
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_an_error_and_leaves_whole_rows) {
  PluginUnderTest plugin;
  start(plugin);
  write(plugin, 1);
  const std::string before = text();
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit no_limit{};
  ::getrlimit(RLIMIT_FSIZE, &no_limit);
  const rlimit full{before.size() + 10, no_limit.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &full);
  BOOST_TEST(status_of([&] { write(plugin, 2); }) == TRAINHOST_RESOURCE_EXHAUSTED);
  ::setrlimit(RLIMIT_FSIZE, &no_limit);
  BOOST_TEST(text() == before);
  write(plugin, 3);
  BOOST_TEST(text() == before + "2026-11-22T18:47:30.950Z,1,3,train,,loss,2.5,\n");
}

BOOST_AUTO_TEST_CASE(python_reads_back_what_was_written) {
  const char* python = std::getenv("TRAINHOST_PYTHON");
  const std::string interpreter = python && *python ? python : "python3";
  PluginUnderTest plugin;
  start(plugin);
  on_event(plugin, "evaluation", "{}", nullptr,
           {{.name = "a \"b\", c\nd", .set = "x,y", .value = 0.1, .step = 1},
            {.name = "inf", .value = INFINITY, .step = 2},
            {.name = "nan", .value = NAN, .step = 18446744073709551615U}},
           kTime);
  std::ofstream(folder / "check.py") << R"(
import csv, math, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
assert [r["name"] for r in rows] == ['a "b", c d', "inf", "nan"], rows
assert rows[0]["set"] == "x,y" and float(rows[0]["value"]) == 0.1 and rows[0]["standard_error"] == ""
assert math.isinf(float(rows[1]["value"])) and math.isnan(float(rows[2]["value"]))
assert int(rows[2]["step"]) == 2**64 - 1
)";
  BOOST_TEST(std::system(trainhost::format("'{}' '{}' '{}'", interpreter, folder / "check.py", path()).c_str()) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
