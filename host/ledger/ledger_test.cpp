// The partition of wall time, plugin accounts, money, and the ledger over resumes.
#include "ledger/ledger.h"

#include <algorithm>
#include <thread>

#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace trainhost {
namespace {

// Time that stands still until it is told to go on.
struct FakeTime {
  std::shared_ptr<std::atomic<double>> seconds = std::make_shared<std::atomic<double>>(1000.0);
  void advance(double by) { *seconds = *seconds + by; }
  Ledger::Options options(std::optional<double> price = std::nullopt) const {
    return {price, "usd", [seconds = seconds] { return seconds->load(); }, 1000.0};
  }
};

int64_t sum_of(const LedgerReport& report) {
  int64_t sum = 0;
  for (const LedgerLine& line : report.activities) sum += line.ns;
  for (const LedgerLine& line : report.plugins) sum += line.ns;
  return sum;
}

double seconds_of(const std::vector<LedgerLine>& lines, std::string_view name) {
  const auto line = std::find_if(lines.begin(), lines.end(), [&](const LedgerLine& candidate) { return candidate.name == name; });
  return line == lines.end() ? -1 : static_cast<double>(line->ns) * 1e-9;
}

// A random nest of scopes and plugin calls, with time passing before, within and after each.
void run_random_nest(Ledger& ledger, FakeTime& time, std::span<const uint32_t> accounts, int depth) {
  const int children = *rc::gen::inRange(0, depth > 0 ? 4 : 1);
  for (int i = 0; i < children; ++i) {
    time.advance(*rc::gen::inRange(0, 1000000) * 1.7e-7);
    const auto choice = *rc::gen::inRange<uint32_t>(0, kNumActivities + static_cast<uint32_t>(accounts.size()));
    if (choice < kNumActivities) {
      const Ledger::Scope scope(ledger, static_cast<Activity>(choice));
      run_random_nest(ledger, time, accounts, depth - 1);
      time.advance(*rc::gen::inRange(0, 1000000) * 1.3e-9);
    } else {
      ledger.enter(accounts[choice - kNumActivities], "call");
      run_random_nest(ledger, time, accounts, depth - 1);
      ledger.leave(accounts[choice - kNumActivities]);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ledger_test)

BOOST_AUTO_TEST_CASE(all_parts_together_are_the_wall_time_to_the_nanosecond) {
  BOOST_TEST(rc::check("partition without rest", [] {
    FakeTime time;
    Ledger ledger(time.options(2.0));
    const std::array accounts{ledger.open_account("observer/a"), ledger.open_account("data_source/b")};
    run_random_nest(ledger, time, accounts, 4);
    ledger.finish_start_up();
    run_random_nest(ledger, time, accounts, 4);
    time.advance(0.25);
    const LedgerReport report = ledger.report();
    RC_ASSERT(sum_of(report) == report.wall_ns);
    RC_ASSERT(report.wall_ns == static_cast<int64_t>(time.seconds->load() * 1e9) - 1000'000'000'000);
  }));
}

BOOST_AUTO_TEST_CASE(unclaimed_time_is_start_up_and_then_idle) {
  FakeTime time;
  Ledger ledger(time.options());
  time.advance(3);
  ledger.finish_start_up();
  time.advance(2);
  BOOST_TEST(ledger.seconds_in(Activity::kStartUp) == 3);
  BOOST_TEST(ledger.seconds_in(Activity::kIdle) == 2);
}

BOOST_AUTO_TEST_CASE(a_plugin_call_within_an_activity_is_charged_to_the_plugin_alone) {
  FakeTime time;
  Ledger ledger(time.options());
  const uint32_t rule = ledger.open_account("stopping_rule/earlystop");
  {
    const Ledger::Scope compute(ledger, Activity::kCompute);
    time.advance(4);
    ledger.enter(rule, "call");
    time.advance(1);
    ledger.leave(rule);
    time.advance(2);
  }
  const LedgerReport report = ledger.report();
  BOOST_TEST(seconds_of(report.activities, "compute") == 6);
  BOOST_TEST(seconds_of(report.plugins, "stopping_rule/earlystop") == 1);
  BOOST_TEST(report.plugins.at(0).num_calls == 1U);
}

BOOST_AUTO_TEST_CASE(a_plugin_keeps_one_account) {
  Ledger ledger(FakeTime().options());
  const uint32_t first = ledger.open_account("data_source/textfiles");
  BOOST_TEST(ledger.open_account("observer/csvlog") != first);
  BOOST_TEST(ledger.open_account("data_source/textfiles") == first);
}

BOOST_AUTO_TEST_CASE(calls_on_other_threads_stand_beside_the_wall_time) {
  FakeTime time;
  Ledger ledger(time.options());
  const uint32_t cache = ledger.open_account("data_source/cache"), source = ledger.open_account("data_source/textfiles");
  std::thread worker([&] {
    ledger.enter(cache, "call");
    time.advance(1);
    ledger.enter(source, "call");
    time.advance(5);
    ledger.leave(source);
    ledger.leave(cache);
  });
  worker.join();
  const LedgerReport report = ledger.report();
  BOOST_TEST(report.plugins.empty());
  BOOST_TEST(seconds_of(report.background, "data_source/cache") == 1);  // its inner call is not its own
  BOOST_TEST(seconds_of(report.background, "data_source/textfiles") == 5);
  BOOST_TEST(sum_of(report) == report.wall_ns);
}

BOOST_AUTO_TEST_CASE(many_threads_may_call_plugins_while_the_train_thread_reports) {
  Ledger ledger({});
  const uint32_t source = ledger.open_account("data_source/textfiles");
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i)
    workers.emplace_back([&] {
      for (int call = 0; call < 2000; ++call) ledger.enter(source, "call"), ledger.leave(source);
    });
  for (int i = 0; i < 100; ++i) {
    const Ledger::Scope scope(ledger, Activity::kCompute);
    ledger.enter(source, "call");
    ledger.leave(source);
    const LedgerReport report = ledger.report();
    BOOST_TEST(sum_of(report) == report.wall_ns);
    ledger.open_account("observer/" + std::to_string(i));
  }
  for (auto& worker : workers) worker.join();
  BOOST_TEST(ledger.report().background.at(0).num_calls == 8000U);
}

BOOST_AUTO_TEST_CASE(an_unknown_price_is_not_measured_and_never_zero) {
  FakeTime time;
  Ledger ledger(time.options());
  time.advance(100);
  BOOST_TEST(!ledger.cost().has_value());
  const LedgerReport report = ledger.report();
  BOOST_TEST(!report.cost.has_value());
  BOOST_TEST(report_json(report).at("cost").is_null());
  BOOST_TEST(report_json(report).at("parts").at("data_wait").at("cost").is_null());
  BOOST_TEST(report_text(report).find("not measured") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_price_of_zero_is_a_price) {
  Ledger ledger(FakeTime().options(0.0));
  BOOST_TEST(ledger.cost().value() == 0);
}

BOOST_AUTO_TEST_CASE(every_part_has_its_price) {
  FakeTime time;
  Ledger ledger(time.options(36.0));  // a cent a second
  {
    const Ledger::Scope scope(ledger, Activity::kDataWait);
    time.advance(25);
  }
  time.advance(75);
  const LedgerReport report = ledger.report();
  BOOST_TEST(report.cost.value() == 1.0, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(report.activities.at(static_cast<size_t>(Activity::kDataWait)).cost.value() == 0.25, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(ledger.data_wait_share() == 0.25, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(time_and_money_go_on_after_a_resume) {
  FakeTime first_time, second_time;
  Ledger first(first_time.options(36.0));
  first_time.advance(100);
  const auto saved = nlohmann::json::parse(first.to_json().dump());

  Ledger second(second_time.options(72.0));
  second.restore_json(saved);
  second_time.advance(10);
  BOOST_TEST(second.seconds() == 110);
  BOOST_TEST(second.cost().value() == 1.2, boost::test_tools::tolerance(1e-12));  // each attempt at the price of its own
  BOOST_TEST(second.report().num_attempts == 2U);
  BOOST_TEST(sum_of(second.report()) == second.report().wall_ns);
}

BOOST_AUTO_TEST_CASE(attempts_at_one_price_are_kept_as_one_sum) {
  nlohmann::json saved;
  for (int attempt = 0; attempt < 5; ++attempt) {
    FakeTime time;
    Ledger ledger(time.options(1.0));
    const uint32_t account = ledger.open_account("observer/csvlog");
    if (!saved.is_null()) ledger.restore_json(saved);
    ledger.enter(account, "call");
    time.advance(2);
    ledger.leave(account);
    saved = ledger.to_json();
  }
  BOOST_TEST(saved.at("segments").size() == 1U);
  BOOST_TEST(saved.at("attempts") == 5);
  BOOST_TEST(saved.at("segments").at(0).at("plugins").at("observer/csvlog").at(0) == 10'000'000'000);
}

BOOST_AUTO_TEST_CASE(time_before_a_price_was_known_counts_at_the_present_one_and_says_so) {
  FakeTime time;
  Ledger unpriced(time.options());
  time.advance(3600);
  Ledger priced(FakeTime().options(2.0));
  priced.restore_json(unpriced.to_json());
  BOOST_TEST(priced.cost().value() == 2.0);
  BOOST_TEST(report_text(priced.report()).find("before a price was known") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(of_several_saved_ledgers_the_last_one_wins) {
  FakeTime time;
  Ledger dead(time.options());
  time.advance(10);
  nlohmann::json checkpoint = dead.to_json();
  time.advance(20);
  nlohmann::json log = dead.to_json();
  log["saved_unix_ns"] = checkpoint.at("saved_unix_ns").get<int64_t>() + 1;
  for (const auto& order : {std::vector{checkpoint, log}, std::vector{log, checkpoint}}) {
    Ledger ledger(FakeTime().options());
    for (const auto& saved : order) ledger.restore_json(saved);
    BOOST_TEST(ledger.seconds() == 30);
  }
}

BOOST_AUTO_TEST_CASE(another_currency_is_refused) {
  Ledger usd(FakeTime().options(1.0));
  Ledger::Options options = FakeTime().options(1.0);
  options.currency = "eur";
  Ledger eur(options);
  BOOST_CHECK_EXCEPTION(eur.restore_json(usd.to_json()), Error,
                        [](const Error& error) { return error.code() == ExitCode::kConfig && std::string(error.what()).find("\"usd\"") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(a_damaged_ledger_is_refused_and_changes_nothing) {
  FakeTime time;
  Ledger whole(time.options());
  time.advance(1);
  const nlohmann::json good = whole.to_json();
  std::vector<nlohmann::json> damaged(6, good);
  damaged[0].erase("segments");
  damaged[1]["segments"][0]["wall_ns"] = 5;
  damaged[2]["segments"][0]["activities"]["compute"] = -1;
  damaged[3]["segments"][0]["activities"].erase("idle");
  damaged[4] = nlohmann::json::array();
  damaged[5]["attempts"] = "two";
  for (const auto& saved : damaged) {
    Ledger ledger(FakeTime().options());
    BOOST_CHECK_EXCEPTION(ledger.restore_json(saved), Error, [](const Error& error) { return error.code() == ExitCode::kCheckpointUnreadable; });
    BOOST_TEST(ledger.seconds() == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_clock_that_goes_back_charges_nothing) {
  FakeTime time;
  Ledger ledger(time.options());
  time.advance(5);
  ledger.finish_start_up();
  time.advance(-3);
  const LedgerReport report = ledger.report();
  BOOST_TEST(report.wall_ns == 5'000'000'000);
  BOOST_TEST(sum_of(report) == report.wall_ns);
}

BOOST_AUTO_TEST_CASE(the_table_shows_every_part_with_its_share_and_price) {
  FakeTime time;
  Ledger ledger(time.options(36.0));
  const uint32_t csvlog = ledger.open_account("observer/csvlog"), silent = ledger.open_account("stopping_rule/never_called");
  (void)silent;
  time.advance(20);
  ledger.finish_start_up();
  {
    const Ledger::Scope scope(ledger, Activity::kCompute);
    time.advance(70);
  }
  ledger.enter(csvlog, "call");
  time.advance(5);
  ledger.leave(csvlog);
  time.advance(5);
  BOOST_TEST("\n" + report_text(ledger.report()) == R"(
  start-up         20.0s   20.0%  0.2000 usd
  compute          1m10s   70.0%  0.7000 usd
  data wait          0ms    0.0%    0.00 usd
  checkpoint         0ms    0.0%    0.00 usd
  evaluation         0ms    0.0%    0.00 usd
  observer/csvlog   5.0s    5.0%  0.0500 usd  1 call
  idle and other    5.0s    5.0%  0.0500 usd
  total            1m40s  100.0%    1.00 usd
)");
}

BOOST_AUTO_TEST_CASE(money_is_shown_as_precisely_as_it_is_small) {
  BOOST_TEST(money_text(12.3, "usd") == "12.30 usd");
  BOOST_TEST(money_text(0.0622, "usd") == "0.0622 usd");
  BOOST_TEST(money_text(0.00042, "eur") == "0.000420 eur");
  BOOST_TEST(money_text(0.0, "usd") == "0.00 usd");
  BOOST_TEST(money_text(std::nullopt, "usd") == "not measured");
}

BOOST_AUTO_TEST_CASE(interruptions_are_counted_over_attempts) {
  double now = 0;
  Ledger first({std::nullopt, "usd", [&] { return now; }, 0.0});
  first.count_interruption();
  Ledger second({std::nullopt, "usd", [&] { return now; }, 0.0});
  second.count_interruption();  // before or after the restore
  second.restore_json(first.to_json());
  BOOST_TEST(second.num_interruptions() == 2u);
  BOOST_TEST(second.report().num_interruptions == 2u);
  BOOST_TEST(report_json(second.report()).at("interruptions") == 2u);
  auto old = first.to_json();
  old.erase("interruptions");
  Ledger third({std::nullopt, "usd", [&] { return now; }, 0.0});
  third.restore_json(old);
  BOOST_TEST(third.num_interruptions() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
