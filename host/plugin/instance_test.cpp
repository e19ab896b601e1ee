// The life of an instance, its services, and every way in which a plugin may break its promises.
#include "plugin/instance.h"

#include <dlfcn.h>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include "plugin/data_source.h"
#include "plugin/plugin_testing.h"
#include "plugin/state.h"
#include "plugin/stopping_rule.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(instance_test)

namespace {

const RunFacts kFacts{.run_id = "run-1", .config_json = "{}"};

struct BadPlugin {
  const char* file;
  std::vector<std::string_view> fragments;
  friend std::ostream& operator<<(std::ostream& out, const BadPlugin& plugin) { return out << plugin.file; }
};

const std::vector<BadPlugin> kBadPlugins = {
    {"wrong_entry", {"wrong_entry.so: exports no function trainhost_plugin_entry_1", "trainhost_add_plugin"}},
    {"null_entry", {"trainhost_plugin_entry_1 returned NULL"}},
    {"entry_major", {"its entry speaks ABI 2, its metadata ABI 1"}},
    {"lying_name", {"its metadata promises stopping_rule/promised, but its entry offers stopping_rule/delivered"}},
    {"other_bytes", {"points to other metadata than the file's section holds"}},
    {"missing_symbol", {"missing_symbol.so: cannot be loaded: ", "undefined symbol: zoo_symbol_that_nobody_has", "install what is missing"}},
    {"null_create", {"its entry lacks the function create"}},
    {"creates_nothing", {"stopping_rule/creates_nothing: create: returned OK without an instance"}},
    {"no_interface", {"has no interface trainhost.stopping_rule/1, which every stopping_rule must have"}},
    {"false_state", {"says \"stateful\": true, but has no interface trainhost.state/1"}},
    {"needs_more", {"needs the service trainhost.coffee/1, which this host has not"}},
};

}  // namespace

BOOST_AUTO_TEST_CASE(the_order_is_create_load_start_use_stop_destroy) {
  Trace trace;
  {
    const auto instance = Instance::create(zoo_record("good"), trace.config());
    State(*instance).load("1.0.0", std::string(8, '\0'));
    instance->start(kFacts);
    BOOST_TEST(instance->is_started());
    StoppingRule(*instance).check({}, {});
    State(*instance).save();
    instance->stop();
    BOOST_TEST(!instance->is_started());
    instance->stop();
  }
  BOOST_TEST(trace.text() == "create load start check save stop destroy ");
}

BOOST_AUTO_TEST_CASE(an_instance_that_never_started_is_not_stopped) {
  Trace trace;
  Instance::create(zoo_record("good"), trace.config()).reset();
  BOOST_TEST(trace.text() == "create destroy ");
}

BOOST_AUTO_TEST_CASE(a_failed_start_is_stopped_too) {
  Trace trace;
  {
    const auto instance = Instance::create(zoo_record("good"), trace.config("start_fails"));
    expect_error(ExitCode::kPlugin, {"stopping_rule/good: start: UNAVAILABLE: the door is closed"}, [&] { instance->start(kFacts); });
    BOOST_TEST(!instance->is_started());
  }
  BOOST_TEST(trace.text() == "create start stop destroy ");
}

BOOST_DATA_TEST_CASE(each_broken_promise_is_refused_in_its_own_words, boost::unit_test::data::make(kBadPlugins), bad) {
  const std::string message = expect_error(ExitCode::kPlugin, {}, [&] { zoo_instance(bad.file); });
  for (const std::string_view fragment : bad.fragments) BOOST_TEST(message.find(fragment) != std::string::npos, message << " lacks " << fragment);
}

BOOST_AUTO_TEST_CASE(what_else_a_file_exports_reaches_nobody) {
  const auto instance = zoo_instance("second_export");
  BOOST_CHECK_NO_THROW(StoppingRule(*instance).check({}, {}));
  BOOST_TEST(dlsym(RTLD_DEFAULT, "zoo_second_export") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_null_function_and_a_small_table_are_named) {
  const auto null_check = zoo_instance("null_check");
  expect_error(ExitCode::kPlugin, {"stopping_rule/null_check: its table trainhost.stopping_rule/1 lacks the function check"},
               [&] { StoppingRule rule(*null_check); });
  const auto small = zoo_instance("good", "", "small_table");
  expect_error(ExitCode::kPlugin, {"its table trainhost.stopping_rule/1 has 8 bytes, wanted 16"}, [&] { StoppingRule rule(*small); });
  const auto no_destroy = [] { zoo_instance("good", "", "no_destroy"); };
  expect_error(ExitCode::kPlugin, {"made an instance without destroy"}, no_destroy);
}

BOOST_AUTO_TEST_CASE(a_config_that_cannot_be_is_the_users_business) {
  expect_error(ExitCode::kConfig, {"stopping_rule/good: create: INVALID_ARGUMENT: patience and target cannot go together"},
               [] { zoo_instance("good", "", "bad_config"); });
  expect_error(ExitCode::kPlugin, {"create: PERMISSION_DENIED: "}, [] { zoo_instance("good", "", "create_fails"); });
}

BOOST_AUTO_TEST_CASE(every_call_is_between_enter_and_leave_of_its_account) {
  RecordingMeter meter;
  {
    const auto instance = zoo_instance("good", "", "throws", {.meter = &meter});
    instance->start(kFacts);
    const StoppingRule rule(*instance);
    meter.text.clear();
    BOOST_CHECK_THROW(rule.check({}, {}), PluginCallError);
    BOOST_TEST(meter.text == "+stopping_rule/good -stopping_rule/good ");
    meter.text.clear();
  }
  BOOST_TEST(meter.text == "+stopping_rule/good -stopping_rule/good +stopping_rule/good -stopping_rule/good ");  // stop, destroy
  BOOST_TEST(meter.num_open() == 0);
}

BOOST_AUTO_TEST_CASE(what_a_plugin_logs_is_counted) {
  const auto instance = zoo_instance("good", "", "logs");
  StoppingRule(*instance).check({}, {});
  BOOST_TEST(instance->num_warnings() == 1);
  BOOST_TEST(instance->num_errors() == 0);
}

BOOST_AUTO_TEST_CASE(a_decorator_reaches_what_it_wraps) {
  Trace trace;
  const auto source = Instance::create(zoo_record("kinds", "zoo_source"), trace.config());
  const auto wrapper = Instance::create(zoo_record("kinds", "zoo_wrapper"), trace.config(), {.upstreams = {source.get()}});
  DataSource wrapped(*wrapper);
  BOOST_TEST(wrapped.info().num_samples == 10);
  BOOST_TEST(trace.text() == "create create wrapped_info info ");
}

BOOST_AUTO_TEST_CASE(a_decorator_needs_as_many_upstreams_as_it_says) {
  expect_error(ExitCode::kPlugin, {"data_source/zoo_wrapper: wraps 1 plugins of its kind, got 0"}, [] { zoo_instance("kinds", "zoo_wrapper")->start({}); });
  const auto source = zoo_instance("kinds", "zoo_source");
  expect_error(ExitCode::kPlugin, {"data_source/zoo_source: wraps 0 plugins of its kind, got 1"},
               [&] { zoo_instance("kinds", "zoo_source", "", {.upstreams = {source.get()}}); });
}

BOOST_AUTO_TEST_CASE(state_comes_back_and_is_bounded) {
  const auto instance = zoo_instance("good");
  StoppingRule(*instance).check({}, {});
  const std::string saved = State(*instance).save();
  BOOST_TEST(saved == std::string("\1\0\0\0\0\0\0\0", 8));
  const auto resumed = zoo_instance("good");
  State(*resumed).load("1.2.3", saved);
  BOOST_TEST(State(*resumed).save() == saved);
  expect_error(ExitCode::kCheckpointUnreadable, {"stopping_rule/good: load state: DATA_LOSS: the state is cut"}, [&] { State(*resumed).load("1.2.3", "x"); });
  expect_error(ExitCode::kConfig, {"load state: FAILED_PRECONDITION"}, [&] { State(*resumed).load("", saved); });
  const auto big = zoo_instance("good", "", "big_state");
  expect_error(ExitCode::kPlugin, {"save state: RESOURCE_EXHAUSTED: the state is larger than 16 MiB"}, [&] { State(*big).save(); });
  const auto denying = zoo_instance("good", "", "big_state denies");
  expect_error(ExitCode::kPlugin, {"save state: said OK although its state is larger"}, [&] { State(*denying).save(); });
}

BOOST_AUTO_TEST_CASE(a_state_that_is_written_in_pieces_is_the_same_bytes) {
  const auto whole = zoo_instance("good"), in_pieces = zoo_instance("good", "", "in_pieces");  // of 0, 1, 2, 0 and 5 bytes
  State(*in_pieces).load("1.2.3", std::string("\1\2\3\4\5\6\7\10", 8));
  State(*whole).load("1.2.3", State(*in_pieces).save());
  BOOST_TEST(State(*in_pieces).save() == std::string("\1\2\3\4\5\6\7\10", 8));
  BOOST_TEST(State(*whole).save() == State(*in_pieces).save());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
