// Reading intervals, refusing what cannot be measured, percentages, lengths.
#include "config/interval.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <cmath>

#include "config/config_testing.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(interval_test)

namespace {

namespace data = boost::unit_test::data;

Interval read(std::string_view text) { return parse_interval(text, "a.toml:1:1: max"); }

struct GoodCase {
  const char* text;
  double amount;
  Unit unit;
  bool is_exact;
  friend std::ostream& operator<<(std::ostream& out, const GoodCase& c) { return out << c.text; }
};
const GoodCase kGood[] = {
    {"7window", 7, Unit::kWindow, true},  {"600step", 600, Unit::kStep, true},         {"0.5epoch", 0.5, Unit::kEpoch, true},
    {"1epoch", 1, Unit::kEpoch, true},    {"32sample", 32, Unit::kSample, true},       {"1e6token", 1e6, Unit::kToken, true},
    {"90s", 90, Unit::kSecond, false},    {"1.5min", 1.5, Unit::kMinute, false},       {"2h", 2, Unit::kHour, false},
    {"40usd", 40, Unit::kMoney, false},   {"0.5kwh", 0.5, Unit::kKilowattHour, false}, {"5%", 5, Unit::kPercent, true},
    {"100 step", 100, Unit::kStep, true},
};

struct BadCase {
  const char *text, *message;
  friend std::ostream& operator<<(std::ostream& out, const BadCase& c) { return out << c.text; }
};
const BadCase kBad[] = {
    {"", "an interval is a number and a unit"},
    {"step", "such as \"100step\", got \"step\""},
    {"600", "\"600\" has no unit"},
    {"0step", "must be more than 0, got \"0step\""},
    {"-5step", "must be more than 0"},
    {"1e999step", "must be finite"},
    {"infstep", "must be finite"},
    {"nanstep", "must be finite"},
    {"600steps", "unknown unit \"steps\" in \"600steps\", wanted window, step, epoch, sample, token, s, min, h, kwh, % or a currency; did you mean \"step\"?"},
    {"2minutes", "unknown unit \"minutes\""},
    {"1.5step", "steps are whole, got \"1.5step\""},
    {"40USD", "unknown unit \"USD\""},
    {"1step2", "unknown unit \"step2\""},
};

}  // namespace

BOOST_DATA_TEST_CASE(a_number_and_a_unit_are_read, data::make(kGood), sample) {
  const Interval interval = read(sample.text);
  BOOST_TEST(interval.amount == sample.amount);
  BOOST_TEST((interval.unit == sample.unit));
  BOOST_TEST(interval.is_exact() == sample.is_exact);
  BOOST_TEST(interval.text == sample.text);
}

BOOST_DATA_TEST_CASE(what_is_no_interval_is_refused_with_place_and_reason, data::make(kBad), sample) {
  const std::string message = message_of([&] { read(sample.text); });
  BOOST_TEST(message.starts_with("a.toml:1:1: max: "));
  BOOST_TEST(message.find(sample.message) != std::string::npos, message);
}

BOOST_AUTO_TEST_CASE(written_intervals_are_read_as_the_same) {
  for (const GoodCase& sample : kGood) {
    const Interval interval = read(sample.text);
    const Interval again = read(interval_text(interval.amount, interval.unit, interval.currency));
    BOOST_TEST(again.amount == interval.amount);
    BOOST_TEST((again.unit == interval.unit));
    BOOST_TEST(again.currency == interval.currency);
  }
  BOOST_TEST(interval_text(1e6, Unit::kToken) == "1000000token");
}

BOOST_AUTO_TEST_CASE(units_that_this_run_cannot_measure_are_refused) {
  const auto refusal = [](const char* text, const Measures& measures) { return message_of([&] { require_measurable(read(text), measures, "max"); }); };
  BOOST_TEST(refusal("40usd", {"usd", true, false}) == "(no error)");
  BOOST_TEST(refusal("40usd", {"usd", false, false}) ==
             "max: \"40usd\": the run cannot measure money without a price; set price_per_hour (of the whole machine) or use another unit");
  BOOST_TEST(refusal("40eur", {"usd", true, false}).find("nor the currency of this run, which is \"usd\"; set `currency`") != std::string::npos);
  BOOST_TEST(refusal("40stp", {"usd", true, false}).find("did you mean \"step\"?") != std::string::npos);
  BOOST_TEST(refusal("1kwh", {"usd", true, false}).find("no energy meter") != std::string::npos);
  BOOST_TEST(refusal("1kwh", {"usd", true, true}) == "(no error)");
}

BOOST_AUTO_TEST_CASE(the_length_is_the_first_entry_that_is_counted) {
  const std::vector<Interval> max{read("40usd"), read("2h"), read("600step"), read("2epoch")};
  BOOST_TEST(run_length(max)->text == "600step");
  BOOST_TEST(!run_length(std::vector{read("40usd"), read("2h")}).has_value());
  BOOST_TEST(!run_length({}).has_value());
}

BOOST_AUTO_TEST_CASE(percentages_become_whole_amounts_of_the_length) {
  const auto resolved = [](const char* percent, const char* length) { return resolve_percent(read(percent), read(length), "every").text; };
  BOOST_TEST(resolved("5%", "600step") == "30step");
  BOOST_TEST(resolved("5%", "333step") == "17step");
  BOOST_TEST(resolved("1%", "10step") == "1step");
  BOOST_TEST(resolved("25%", "2epoch") == "0.5epoch");
  BOOST_TEST(resolve_percent(read("2h"), std::nullopt, "every").text == "2h");
  BOOST_TEST(message_of([] {
               resolve_percent(read("5%"), std::nullopt, "a.toml:1:1: every");
             }).starts_with("a.toml:1:1: every: \"5%\" is a part of the run's length, but max has no entry"));
}

BOOST_AUTO_TEST_CASE(limits_are_reached_in_their_own_unit) {
  Amounts amounts;
  amounts.windows = 12;
  amounts.steps = 10;
  amounts.tokens = 1000;
  amounts.epochs = 0.5;
  amounts.seconds = 120;
  BOOST_TEST(is_reached(read("10step"), amounts));
  BOOST_TEST(!is_reached(read("11step"), amounts));
  BOOST_TEST(is_reached(read("12window"), amounts));
  BOOST_TEST(is_reached(read("1000token"), amounts));
  BOOST_TEST(is_reached(read("0.5epoch"), amounts));
  BOOST_TEST(is_reached(read("2min"), amounts));
  BOOST_TEST(!is_reached(read("1h"), amounts));
  BOOST_TEST(!is_reached(read("1usd"), amounts));  // not measured
  BOOST_TEST(fraction_of(read("40step"), amounts) == 0.25);
  BOOST_TEST(fraction_of(read("5step"), amounts) == 1.0);
  BOOST_TEST(std::isnan(fraction_of(std::nullopt, amounts)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
