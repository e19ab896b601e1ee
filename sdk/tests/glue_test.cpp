// The C++ side of plugins keeps its promises at the C boundary: statuses, bounds, old hosts, state, all kinds.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <trainhost/testing.hpp>

using namespace trainhost::testing;
namespace data = boost::unit_test::data;

namespace {

struct Misdeed {
  const char* what;
  trainhost_status status;
  const char* words;
};
std::ostream& operator<<(std::ostream& out, const Misdeed& misdeed) { return out << misdeed.what; }
const Misdeed kMisdeeds[] = {
    {"status", TRAINHOST_UNAVAILABLE, "later"},
    {"ok", TRAINHOST_INTERNAL, "not so"},
    {"standard", TRAINHOST_INTERNAL, "standard trouble"},
    {"memory", TRAINHOST_RESOURCE_EXHAUSTED, "out of host memory"},
    {"int", TRAINHOST_INTERNAL, "an exception that is no std::exception"},
};

std::string misdeed(const char* what) { return trainhost::format(R"({{"what":"{}"}})", what); }

// Calls check of the C table with an error and a verdict that stand before guard bytes.
template <class Struct>
struct Guarded {
  Struct value{};
  char guard[64];
  Guarded() { std::memset(guard, 0x5A, sizeof guard); }
  bool is_intact() const { return std::all_of(guard, guard + sizeof guard, [](char c) { return c == 0x5A; }); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(glue_test)

BOOST_DATA_TEST_CASE(exceptions_become_statuses_and_words, data::make(kMisdeeds), wanted) {
  PluginUnderTest rule("rogue");
  rule.create(misdeed(wanted.what)).start();
  BOOST_TEST(status_of([&] { check(rule, {}); }) == wanted.status);
  BOOST_TEST(words_of([&] { check(rule, {}); }) == wanted.words);
}

BOOST_AUTO_TEST_CASE(a_constructor_and_a_start_may_throw) {
  PluginUnderTest rule("rogue");
  BOOST_TEST(words_of([&] { rule.create(misdeed("construct")); }) == "no such luck");
  BOOST_TEST(rule.c() == nullptr);
  rule.create(misdeed("start"));
  BOOST_TEST(status_of([&] { rule.start(); }) == TRAINHOST_NOT_FOUND);
  rule.stop();
  BOOST_TEST(rule.host.has_logged(TRAINHOST_LOG_INFO, "stopped"));  // stop follows a failed start
}

BOOST_AUTO_TEST_CASE(a_stop_that_throws_is_logged) {
  PluginUnderTest rule("rogue");
  rule.create(misdeed("stop")).start().stop();
  BOOST_TEST(rule.host.has_logged(TRAINHOST_LOG_ERROR, "stop failed: cannot stop"));
}

BOOST_DATA_TEST_CASE(error_text_stays_inside_of_its_buffer, data::make({0u, 4u, 8u, 9u, 40u, 512u, 4000u}), struct_size) {
  PluginUnderTest rule("rogue");
  rule.create(misdeed("long_error")).start();
  const auto& table = rule.table<trainhost_stopping_rule>(TRAINHOST_STOPPING_RULE);
  const trainhost::Progress progress;
  trainhost_verdict verdict{};
  verdict.struct_size = sizeof verdict;
  Guarded<trainhost_error> error;
  std::memset(&error.value, 0x5A, sizeof error.value);
  error.value.struct_size = struct_size;
  error.value.message_length = 0;
  BOOST_TEST(table.check(rule.c(), &progress, nullptr, 0, &verdict, &error.value) == TRAINHOST_ABORTED);
  BOOST_TEST(error.is_intact());
  const unsigned room = struct_size < 8 ? 0 : std::min(struct_size - 8, 504u);
  BOOST_TEST(error.value.message_length == (room == 0 ? 0 : room - (room - 1) % 2));  // one x, then whole two-byte letters
  for (unsigned i = room; i < 504; ++i) BOOST_REQUIRE(error.value.message[i] == 0x5A);
  BOOST_TEST(table.check(rule.c(), &progress, nullptr, 0, &verdict, nullptr) == TRAINHOST_ABORTED);  // nobody wants the words
}

BOOST_AUTO_TEST_CASE(a_reason_stays_inside_of_its_verdict) {
  PluginUnderTest rule("rogue");
  rule.create(misdeed("long_reason")).start();
  const trainhost::Progress progress;
  Guarded<trainhost_verdict> verdict;
  verdict.value.struct_size = sizeof(trainhost_verdict);
  trainhost::call(rule.table<trainhost_stopping_rule>(TRAINHOST_STOPPING_RULE).check, rule.c(), &progress, nullptr, 0, &verdict.value);
  BOOST_TEST(verdict.is_intact());
  BOOST_TEST(verdict.value.reason_length == 496u);
  BOOST_TEST(verdict.value.stop == TRAINHOST_STOP_DIVERGED);
}

BOOST_AUTO_TEST_CASE(what_an_old_host_does_not_know_reads_as_nan) {
  PluginUnderTest rule("rogue");
  rule.create(misdeed("nothing")).start();
  trainhost_progress old{};
  old.struct_size = offsetof(trainhost_progress, skipped_windows);
  old.step = 12;
  old.gradient_norm = 5.0;  // beyond its struct_size: must not be read
  trainhost_verdict verdict{};
  verdict.struct_size = sizeof verdict;
  trainhost::call(rule.table<trainhost_stopping_rule>(TRAINHOST_STOPPING_RULE).check, rule.c(), &old, nullptr, 0, &verdict);
  BOOST_TEST(std::string(verdict.reason, verdict.reason_length) == "12 nan");
  BOOST_TEST(verdict.restore_best == 1u);
}

BOOST_AUTO_TEST_CASE(a_config_fills_every_type_and_keeps_defaults) {
  PluginUnderTest rule("echo");
  BOOST_TEST(check(rule.create().start(), {}).reason ==
             "true -3 4000000000 -9007199254740993 18446744073709551615 3e-04 say \"hi\"\n\x01 ü auto | 64,128,0.9,0.999,a,b, | small 7 ");
  rule.create(
      R"( {"flag":false, "small":5,"count":1e3,"wide":-9223372036854775808,"huge":18446744073709551614,"rate":2.5e-05,"text":"\u00fc\ud83d\ude00\"\\\/\n",
    "choice":"never","sizes":[],"ids":[1, 2],"betas":[-1.5],"names":["x,y"],"maybe_flag":true,"maybe_small":null,"maybe_wide":-1,"maybe_huge":3,"maybe_rate":0,"maybe_text":""} )");
  BOOST_TEST(check(rule.start(), {}).reason ==
             "false 5 1000 -9223372036854775808 18446744073709551614 2.5e-05 ü😀\"\\/\n never | 1,2,-1.5,x,y, | flag true wide -1 huge 3 rate 0 text  ");
}

BOOST_DATA_TEST_CASE(an_odd_config_is_refused,
                     data::make({"", "[]", "{", "{}x", R"({"none":1})", R"({"small":"x"})", R"({"small":2147483648})", R"({"small":1.5})", R"({"count":-1})",
                                 R"({"flag":1})", R"({"text":"\u12"})", R"({"text":"open)", R"({"sizes":[1)", R"({"rate":nan})"}),
                     config) {
  PluginUnderTest rule("echo");
  BOOST_TEST(status_of([&] { rule.create(config); }) == TRAINHOST_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(state_comes_back_and_a_cut_or_refused_one_changes_nothing) {
  PluginUnderTest one("keeper"), two("keeper");
  one.create().start();
  BOOST_TEST(update(one, {}, {{.name = "loss", .value = 2.5, .step = 40}, {.name = "accuracy", .value = 0.5, .step = 41}}));
  const std::string state = one.save();
  two.create();
  const std::string fresh = two.save();
  for (std::size_t size = 0; size < state.size(); ++size) BOOST_TEST(status_of([&] { two.load(state.substr(0, size)); }) == TRAINHOST_DATA_LOSS);
  std::string odd = state;
  odd[1] = 3;  // the first value, little-endian behind its tag
  BOOST_TEST(words_of([&] { two.load(odd, "0.9.1"); }) == "state of version 0.9.1 is odd");
  odd[0] = 'd';
  BOOST_TEST(status_of([&] { two.load(odd); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(two.save() == fresh);
  two.load(state).start();
  BOOST_TEST(two.save() == state);
  BOOST_TEST(factors(two, {}, {0, 0}) == std::vector<double>({3.0, 4.0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_plugin_of_another_kind_may_observe) {
  PluginUnderTest schedule("keeper"), rule("rogue");
  schedule.create().start();
  trainhost::Progress progress;
  progress.step = 9;
  on_event(schedule, "evaluation", R"({"a":1})", &progress, {{}});
  on_event(schedule, "run_start");
  BOOST_TEST(schedule.host.log()[0].text == R"(evaluation {"a":1} 9 1)");
  BOOST_TEST(schedule.host.log()[1].text == "run_start {} 0 0");
  BOOST_TEST(!rule.create().has(TRAINHOST_OBSERVER));
}

BOOST_AUTO_TEST_CASE(a_source_is_described_and_read) {
  PluginUnderTest source("numbers");
  source.create().start();
  const auto info = source_info(source);
  BOOST_TEST(info.num_fields == 2u);
  BOOST_TEST(trainhost::view(info.fields[0]->name) == "x");
  BOOST_TEST(info.fields[0]->max_shape[0] == 9);
  BOOST_TEST(info.fields[1]->ndim == 0);
  BOOST_TEST(info.block_starts[1] == 5u);
  BOOST_TEST(int{info.fingerprint[31]} == 7);
  const auto samples = read(source, {3, 0, 3}, {5, 6, 7});
  BOOST_TEST(samples[0][0].as<std::int64_t>() == std::vector<std::int64_t>({3, 3, 3}), boost::test_tools::per_element());
  BOOST_TEST(samples[1][0].as<std::int64_t>().empty());
  BOOST_TEST(samples[2][1].as<double>()[0] == 7.0);
  BOOST_TEST(status_of([&] { read(source, {10}); }) == TRAINHOST_OUT_OF_RANGE);  // too long for its field: the words of reserve come through
}

BOOST_AUTO_TEST_CASE(lengths_and_text_stand_beside_a_source) {
  PluginUnderTest source("numbers");
  source.create().start();
  const std::uint64_t ids[] = {4, 2};
  std::uint64_t lengths[2] = {};
  trainhost::call(source.table<trainhost_data_lengths>(TRAINHOST_DATA_LENGTHS).lengths, source.c(), ids, 2, lengths);
  BOOST_TEST(lengths[1] == 2u);
  const auto& text = source.table<trainhost_text>(TRAINHOST_TEXT);
  std::int64_t tokens[2] = {};
  std::uint64_t written = 0;
  trainhost::call(text.encode, source.c(), trainhost::c_string("abc"), tokens, 2, &written);
  BOOST_TEST(written == 3u);  // come again with more room
  BOOST_TEST(tokens[1] == 'b');
  char letters[4] = {};
  trainhost::call(text.decode, source.c(), tokens, 2, letters, 4, &written);
  BOOST_TEST(std::string(letters) == "ab");
}

BOOST_AUTO_TEST_CASE(a_backend_moves_objects) {
  PluginUnderTest shelf("shelf");
  shelf.create().start();
  const auto no_crc = [](std::string_view) { return 0u; };
  const std::string bytes(10000, 'b');
  put(shelf, "run/b", bytes, no_crc);
  create_object(shelf, "run/a", "small");
  create_object(shelf, "run/a", "small");
  BOOST_TEST(status_of([&] { create_object(shelf, "run/a", "other"); }) == TRAINHOST_ALREADY_EXISTS);
  BOOST_TEST(get(shelf, "run/b") == bytes);
  BOOST_TEST(get(shelf, "run/b", 9999, 5) == "b");
  BOOST_TEST(status_of([&] { get(shelf, "none"); }) == TRAINHOST_NOT_FOUND);
  BOOST_TEST(list(shelf, "run/").size() == 2u);
  BOOST_TEST(list(shelf)[0].first == "run/a");
  trainhost::call(backend(shelf).remove, shelf.c(), trainhost::c_string("run/a"));
  BOOST_TEST(list(shelf).size() == 1u);
  BOOST_TEST(status_of([&] { put(shelf, "run/c", "x", [](std::string_view) { return 1u; }); }) == TRAINHOST_DATA_LOSS);
  BOOST_TEST(shelf.host.has_logged(TRAINHOST_LOG_INFO, "aborted run/c"));
}

BOOST_AUTO_TEST_CASE(a_schedule_probes_memory_and_sees_its_upstream) {
  PluginUnderTest inner("probing"), outer("probing");
  inner.create();
  outer.host.memory_probe = [](std::uint64_t samples) { return samples <= 20; };
  outer.host.upstreams = {inner.c()};
  outer.create().start();
  BOOST_TEST(outer.host.has_logged(TRAINHOST_LOG_INFO, "upstream has a table: true"));
  BOOST_TEST(next_window(outer).micro_batch_samples == 16u);
  BOOST_TEST(status_of([&] { next_window(inner.start()); }) == TRAINHOST_UNIMPLEMENTED);  // its host has no probe
}

BOOST_AUTO_TEST_CASE(unknown_interfaces_are_absent) {
  PluginUnderTest rule("echo");
  rule.create();
  for (const char* id : {"", "trainhost.lr_schedule/1", "trainhost.stopping_rule/2", TRAINHOST_STATE, TRAINHOST_OBSERVER}) BOOST_TEST(!rule.has(id));
  BOOST_TEST(rule.c()->get_interface(rule.c(), nullptr) == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
