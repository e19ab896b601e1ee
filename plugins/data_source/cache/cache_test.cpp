// The decorator around a source, asked through the C ABI as the host asks.
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <fstream>
#include <thread>

#include <nlohmann/json.hpp>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <trainhost/draft/kept_data.h>
#include <trainhost/testing.hpp>

#include "files/testing/folder.h"
#include "files/testing/samples.h"
#include "testing/counting_source.h"

using namespace trainhost::testing;

BOOST_AUTO_TEST_SUITE(cache_test)

// One run: the source, and the cache around it.
struct CachedRun {
  CachedRun(const TemporaryFolder& folder, SourceBehaviour& behaviour, const std::string& config = "{}") : upstream(behaviour, source_host.c()) {
    cache.host.cache_folder = folder.path.string();
    cache.host.upstreams = {upstream.c()};
    cache.create(config).start();
  }
  FakeHost source_host;
  UpstreamSource upstream;
  PluginUnderTest cache;
};

std::vector<std::uint64_t> first(std::uint64_t count, std::uint64_t begin = 0) {
  std::vector<std::uint64_t> ids(count);
  std::iota(ids.begin(), ids.end(), begin);
  return ids;
}

// All bytes of all fields.
std::string bytes_of(const std::vector<Sample>& samples) {
  std::string all;
  for (const Sample& sample : samples)
    for (const FieldValue& value : sample) all += trainhost::format("[{}]", value.num_bytes) + std::string(value.data, value.num_bytes);
  return all;
}

std::string plain(SourceBehaviour& behaviour, const std::vector<std::uint64_t>& ids, const std::vector<std::uint64_t>& keys = {}) {
  FakeHost host;
  const UpstreamSource upstream(behaviour, host.c());
  PluginUnderTest source;
  struct Lent {
    ~Lent() { source.adopt(nullptr); }
    PluginUnderTest& source;
  };
  trainhost_instance lent = *upstream.c();
  lent.destroy = [](trainhost_instance*) {};
  source.adopt(&lent);
  return bytes_of(read(source, ids, keys));
}

std::vector<std::filesystem::path> segments(const TemporaryFolder& folder) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path))
    if (entry.path().extension() == ".samples") found.push_back(entry.path());
  return found;
}

nlohmann::json kept(const PluginUnderTest& cache, const TemporaryFolder& folder, decltype(&trainhost_kept_data::list) question, const std::string& limit = "") {
  const std::string place = folder.path.string();
  const trainhost_kept_request request{sizeof request, 0, {}, trainhost::c_string(place), trainhost::c_string(limit)};
  std::string answer;
  const trainhost_writer writer{&answer, [](void* impl, const void* data, std::uint64_t size, trainhost_error*) -> trainhost_status {
                                  static_cast<std::string*>(impl)->append(static_cast<const char*>(data), size);
                                  return TRAINHOST_OK;
                                }};
  trainhost::call(cache.table<trainhost_kept_data>(TRAINHOST_KEPT_DATA).*question, cache.c(), &request, &writer);
  return nlohmann::json::parse(answer);
}

BOOST_AUTO_TEST_CASE(a_second_epoch_reads_nothing_from_the_source) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  const std::string wanted = plain(behaviour, first(50));
  CachedRun run(folder, behaviour);
  BOOST_TEST(bytes_of(read(run.cache, first(50))) == wanted);
  const std::uint64_t after_first = behaviour.samples_read;
  BOOST_TEST(bytes_of(read(run.cache, first(50), first(50, 1000))) == wanted);
  BOOST_TEST(behaviour.samples_read == after_first);
}

BOOST_AUTO_TEST_CASE(a_second_run_reads_nothing_from_the_source_in_any_order) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  { CachedRun run(folder, behaviour); (void)read(run.cache, first(50)); }
  const std::vector<std::uint64_t> ids{17, 3, 49, 3, 0};
  const std::string wanted = plain(behaviour, ids);
  behaviour.samples_read = 0;
  CachedRun run(folder, behaviour);
  BOOST_TEST(bytes_of(read(run.cache, ids)) == wanted);
  BOOST_TEST(behaviour.samples_read == 0u);
}

BOOST_AUTO_TEST_CASE(hits_and_misses_stand_together_in_one_batch) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  CachedRun run(folder, behaviour);
  (void)read(run.cache, {1, 5, 9});
  const std::vector<std::uint64_t> ids{0, 1, 2, 5, 6, 9};
  BOOST_TEST(bytes_of(read(run.cache, ids)) == plain(behaviour, ids));
}

BOOST_AUTO_TEST_CASE(the_source_is_described_as_without_it) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  CachedRun run(folder, behaviour);
  const trainhost_source_info info = source_info(run.cache);
  BOOST_TEST(info.num_samples == 50u);
  BOOST_TEST(std::string(reinterpret_cast<const char*>(info.fingerprint), 32) == std::string(32, 5));
}

BOOST_AUTO_TEST_CASE(lengths_and_text_are_the_sources_own) {
  const TemporaryFolder folder;
  SourceBehaviour speaking, silent;
  speaking.has_text = true;
  CachedRun with(folder, speaking), without(folder, silent);
  BOOST_TEST(with.cache.has(TRAINHOST_TEXT));
  BOOST_TEST(!without.cache.has(TRAINHOST_TEXT));
  std::uint64_t length = 0;
  const std::uint64_t id = 14;
  trainhost::call(with.cache.table<trainhost_data_lengths>(TRAINHOST_DATA_LENGTHS).lengths, with.cache.c(), &id, std::uint64_t{1}, &length);
  BOOST_TEST(length == 201u);
}

BOOST_AUTO_TEST_CASE(samples_that_are_drawn_are_never_kept) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  behaviour.says_it_draws = behaviour.draws = true;
  CachedRun run(folder, behaviour);
  for (const std::uint64_t epoch : {0u, 100u}) BOOST_TEST(bytes_of(read(run.cache, first(5), first(5, epoch))) == plain(behaviour, first(5), first(5, epoch)));
  BOOST_TEST(run.cache.host.has_logged(TRAINHOST_LOG_WARNING, "drawn anew in each epoch"));
  BOOST_TEST(segments(folder).empty());
}

BOOST_AUTO_TEST_CASE(a_source_that_does_not_say_is_passed_by) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  behaviour.says_identity = false, behaviour.draws = true;
  CachedRun run(folder, behaviour);
  for (const std::uint64_t epoch : {0u, 100u}) BOOST_TEST(bytes_of(read(run.cache, first(5), first(5, epoch))) == plain(behaviour, first(5), first(5, epoch)));
  BOOST_TEST(run.cache.host.has_logged(TRAINHOST_LOG_WARNING, "does not say whether"));
  BOOST_TEST(segments(folder).empty());
}

BOOST_AUTO_TEST_CASE(a_source_that_draws_and_denies_it_is_caught_before_anything_is_kept) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  behaviour.draws = true;
  CachedRun run(folder, behaviour);
  for (const std::uint64_t epoch : {0u, 100u}) BOOST_TEST(bytes_of(read(run.cache, first(5), first(5, epoch))) == plain(behaviour, first(5), first(5, epoch)));
  BOOST_TEST(run.cache.host.has_logged(TRAINHOST_LOG_ERROR, "sample 0 has other bytes with another key"));
  BOOST_TEST(segments(folder).empty());
}

BOOST_AUTO_TEST_CASE(other_input_is_another_data_set) {
  const TemporaryFolder folder;
  SourceBehaviour before, after;
  after.content = 2;
  { CachedRun run(folder, before); (void)read(run.cache, first(50)); }
  CachedRun run(folder, after);
  BOOST_TEST(bytes_of(read(run.cache, first(50))) == plain(after, first(50)));
}

BOOST_AUTO_TEST_CASE(a_damaged_sample_is_read_again_and_reported) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  { CachedRun run(folder, behaviour); (void)read(run.cache, first(50)); }
  BOOST_REQUIRE_EQUAL(segments(folder).size(), 1u);
  const auto damaged = segments(folder).front();
  std::fstream(damaged, std::ios::in | std::ios::out | std::ios::binary).seekp(5000).write("\xff\xfe\xfd", 3);
  CachedRun run(folder, behaviour);
  BOOST_TEST(kept(run.cache, folder, &trainhost_kept_data::verify).at("damaged") == 1);
  BOOST_TEST(bytes_of(read(run.cache, first(50))) == plain(behaviour, first(50)));
  BOOST_TEST(run.cache.host.has_logged(TRAINHOST_LOG_WARNING, "is damaged"));
  BOOST_TEST(bytes_of(read(run.cache, first(50))) == plain(behaviour, first(50)));
  run.cache.stop();
  BOOST_TEST(kept(run.cache, folder, &trainhost_kept_data::verify).at("damaged") == 0);
}

BOOST_AUTO_TEST_CASE(a_full_disk_turns_it_off_and_the_run_goes_on) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  CachedRun run(folder, behaviour);
  (void)read(run.cache, first(5));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{2000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string got = bytes_of(read(run.cache, first(50)));
  setrlimit(RLIMIT_FSIZE, &before);
  BOOST_TEST(got == plain(behaviour, first(50)));
  BOOST_TEST(run.cache.host.has_logged(TRAINHOST_LOG_WARNING, "no more samples are kept, the run goes on without"));
  behaviour.samples_read = 0;
  (void)read(run.cache, first(5));
  BOOST_TEST(behaviour.samples_read == 0u);
  BOOST_TEST(bytes_of(read(run.cache, first(50))) == got);
  std::size_t said = 0;
  for (const auto& line : run.cache.host.log()) said += line.text.find("no more samples") != std::string::npos;
  BOOST_TEST(said == 1u);
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_made_does_not_end_the_run) {
  const TemporaryFolder folder;
  folder.write("file", "in the way");
  SourceBehaviour behaviour;
  CachedRun run(folder, behaviour, trainhost::format(R"({{"dir":"{}/file/below"}})", folder.path));
  BOOST_TEST(bytes_of(read(run.cache, first(9))) == plain(behaviour, first(9)));
  BOOST_TEST(run.cache.host.has_logged(TRAINHOST_LOG_WARNING, "no more samples are kept"));
}

BOOST_AUTO_TEST_CASE(failures_of_the_source_pass_through_as_they_are) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  CachedRun run(folder, behaviour);
  (void)read(run.cache, first(3));
  behaviour.damaged_id = 7;
  BOOST_TEST(status_of([&] { (void)read(run.cache, first(9)); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(words_of([&] { (void)read(run.cache, first(9)); }) == "shard 3: byte 12: not an image");
  BOOST_TEST(status_of([&] { (void)read(run.cache, {50}); }) == TRAINHOST_OUT_OF_RANGE);
}

BOOST_AUTO_TEST_CASE(the_limit_is_kept_and_what_is_there_stays_of_use) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  behaviour.num_samples = 500;
  CachedRun run(folder, behaviour, R"({"limit":"40KB"})");
  BOOST_TEST(bytes_of(read(run.cache, first(500))) == plain(behaviour, first(500)));
  BOOST_TEST(run.cache.host.has_logged(TRAINHOST_LOG_WARNING, "the limit of 40 KB is reached"));
  std::uintmax_t bytes = 0;
  for (const auto& segment : segments(folder)) bytes += std::filesystem::file_size(segment);
  BOOST_TEST(bytes <= 40000u);
  BOOST_TEST(bytes >= 15000u);
  behaviour.samples_read = 0;
  BOOST_TEST(bytes_of(read(run.cache, first(500))) == plain(behaviour, first(500)));
  BOOST_TEST(behaviour.samples_read < 950u);
}

BOOST_AUTO_TEST_CASE(several_threads_read_at_once) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  behaviour.num_samples = 400;
  const std::string wanted = plain(behaviour, first(400));
  CachedRun run(folder, behaviour);
  std::vector<std::string> got(4);
  {
    std::vector<std::jthread> threads;
    for (std::string& one : got) threads.emplace_back([&] { one = bytes_of(read(run.cache, first(400))); });
  }
  for (const std::string& one : got) BOOST_CHECK(one == wanted);
}

BOOST_AUTO_TEST_CASE(two_runs_at_once_share_what_they_keep) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  CachedRun one(folder, behaviour), two(folder, behaviour);
  (void)read(one.cache, first(25));
  (void)read(two.cache, first(25, 25));
  one.cache.stop(), two.cache.stop();
  behaviour.samples_read = 0;
  CachedRun later(folder, behaviour);
  BOOST_TEST(bytes_of(read(later.cache, first(50))) == [&] { SourceBehaviour same; return plain(same, first(50)); }());
  BOOST_TEST(behaviour.samples_read == 0u);
}

BOOST_AUTO_TEST_CASE(hits_and_misses_are_told_and_logged) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  CachedRun run(folder, behaviour);
  for (int epoch = 0; epoch < 2; ++epoch) (void)read(run.cache, first(50));
  run.cache.stop();
  const auto reports = run.cache.host.reports();
  BOOST_REQUIRE(!reports.empty());
  BOOST_TEST(reports.back().topic == "cache");
  BOOST_TEST(reports.back().numbers.at("hits") == 50);
  BOOST_TEST(reports.back().numbers.at("misses") == 50);
  BOOST_TEST(run.cache.host.has_logged(TRAINHOST_LOG_INFO, "50 samples out of the cache, 50 read from the source"));
}

BOOST_AUTO_TEST_CASE(what_is_kept_can_be_listed_and_collected) {
  const TemporaryFolder folder;
  SourceBehaviour behaviour;
  { CachedRun run(folder, behaviour); (void)read(run.cache, first(50)); }
  PluginUnderTest alone;
  alone.create();
  const auto listed = kept(alone, folder, &trainhost_kept_data::list);
  BOOST_TEST(listed.at("tables")[0].at("rows")[0][4] == "samples of a test");
  BOOST_TEST(kept(alone, folder, &trainhost_kept_data::verify).at("facts").at("samples") == 50);
  BOOST_TEST(kept(alone, folder, &trainhost_kept_data::collect, "0B").at("facts").at("removed segments") == 0);  // used just now
  const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
  utimensat(AT_FDCWD, segments(folder).front().c_str(), long_ago, 0);
  BOOST_TEST(kept(alone, folder, &trainhost_kept_data::collect, "0B").at("facts").at("removed segments") == 1);
  BOOST_TEST(segments(folder).empty());
  BOOST_TEST(status_of([&] { (void)kept(alone, folder, &trainhost_kept_data::collect, "much"); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(a_limit_that_is_none_is_refused) {
  PluginUnderTest cache;
  BOOST_TEST(words_of([&] { cache.create(R"({"limit":"plenty"})"); }).starts_with("cache.limit: wanted a number with"));
}

BOOST_AUTO_TEST_SUITE_END()
