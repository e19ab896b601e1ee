// Reading, checking and comparing amounts with a unit.
#include "config/interval.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/nearest.h"

namespace trainhost {
namespace {

struct UnitName {
  std::string_view text;
  Unit unit;
};

constexpr UnitName kUnits[] = {{"window", Unit::kWindow},    {"step", Unit::kStep}, {"epoch", Unit::kEpoch}, {"sample", Unit::kSample},
                               {"token", Unit::kToken},      {"s", Unit::kSecond},  {"min", Unit::kMinute},  {"h", Unit::kHour},
                               {"kwh", Unit::kKilowattHour}, {"%", Unit::kPercent}};

constexpr std::string_view kUnitList = "window, step, epoch, sample, token, s, min, h, kwh, % or a currency";

bool is_whole_unit(Unit unit) { return unit == Unit::kWindow || unit == Unit::kStep || unit == Unit::kSample || unit == Unit::kToken; }

std::optional<Unit> find_unit(std::string_view text) {
  for (const UnitName& name : kUnits)
    if (name.text == text) return name.unit;
  return std::nullopt;
}

bool looks_like_currency(std::string_view text) {
  return text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

std::string unit_hint(std::string_view text) {
  std::vector<std::string> names;
  for (const UnitName& name : kUnits)
    if (name.text.size() > 1) names.emplace_back(name.text);  // any letter is near to a unit of one letter
  const auto near = nearest(text, names);
  return near ? format("; did you mean \"{}\"?", *near) : std::string();
}

[[noreturn]] void fail(std::string_view place, std::string_view what) { throw Error(ExitCode::kConfig, format("{}: {}", place, what)); }

double seconds_in(Unit unit) { return unit == Unit::kMinute ? 60 : unit == Unit::kHour ? 3600 : 1; }

}  // namespace

bool Interval::is_exact() const { return is_whole_unit(unit) || unit == Unit::kEpoch || unit == Unit::kPercent; }

double Interval::base_amount() const { return amount * seconds_in(unit); }

Interval parse_interval(std::string_view text, std::string_view place) {
  Interval interval;
  interval.text = text;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, interval.amount);
  if (error == std::errc::invalid_argument) fail(place, format("an interval is a number and a unit ({}), such as \"100step\", got \"{}\"", kUnitList, text));
  if (error != std::errc() || !std::isfinite(interval.amount)) fail(place, format("the number of an interval must be finite, got \"{}\"", text));
  if (interval.amount <= 0) fail(place, format("an interval must be more than 0, got \"{}\"", text));

  std::string_view unit(rest, static_cast<size_t>(end - rest));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  if (unit.empty()) fail(place, format("\"{}\" has no unit; wanted {}, such as \"{}step\"", text, kUnitList, text));
  if (const auto known = find_unit(unit)) {
    interval.unit = *known;
  } else if (looks_like_currency(unit)) {
    interval.unit = Unit::kMoney;
    interval.currency = unit;
  } else {
    fail(place, format("unknown unit \"{}\" in \"{}\", wanted {}{}", unit, text, kUnitList, unit_hint(unit)));
  }
  if (is_whole_unit(interval.unit) && interval.amount != std::floor(interval.amount)) fail(place, format("{}s are whole, got \"{}\"", unit, text));
  return interval;
}

std::string interval_text(double amount, Unit unit, std::string_view currency) {
  for (const UnitName& name : kUnits)
    if (name.unit == unit) currency = name.text;
  const bool is_whole = amount == std::floor(amount) && std::abs(amount) < 9e15;
  return is_whole ? format("{}{}", static_cast<int64_t>(amount), currency) : format("{}{}", amount, currency);
}

void require_measurable(const Interval& interval, const Measures& measures, std::string_view place) {
  if (interval.unit == Unit::kMoney && interval.currency != measures.currency) {
    const std::string hint = unit_hint(interval.currency);
    fail(place, format("\"{}\": \"{}\" is neither a unit ({}) nor the currency of this run, which is \"{}\"{}", interval.text, interval.currency, kUnitList,
                       measures.currency, hint.empty() ? std::string("; set `currency` or write the limit in it") : hint));
  }
  if (interval.unit == Unit::kMoney && !measures.has_price)
    fail(place, format("\"{}\": the run cannot measure money without a price; set price_per_hour (of the whole machine) or use another unit", interval.text));
  if (interval.unit == Unit::kKilowattHour && !measures.has_energy_meter)
    fail(place, format("\"{}\": this machine has no energy meter that the run can read; use another unit", interval.text));
}

std::optional<Interval> run_length(std::span<const Interval> max) {
  const auto first = std::find_if(max.begin(), max.end(), [](const Interval& limit) { return limit.is_exact() && limit.unit != Unit::kPercent; });
  return first == max.end() ? std::nullopt : std::optional(*first);
}

Interval resolve_percent(const Interval& interval, const std::optional<Interval>& length, std::string_view place) {
  if (interval.unit != Unit::kPercent) return interval;
  if (!length)
    fail(place, format("\"{}\" is a part of the run's length, but max has no entry in steps, samples, tokens or epochs; add one, such as max = \"1000step\"",
                       interval.text));
  Interval resolved = *length;
  resolved.amount = length->amount * interval.amount / 100;
  if (is_whole_unit(length->unit)) resolved.amount = std::max(1.0, std::round(resolved.amount));
  resolved.text = interval_text(resolved.amount, resolved.unit);
  return resolved;
}

double amount_of(const Amounts& amounts, const Interval& interval) {
  switch (interval.unit) {
    case Unit::kWindow: return static_cast<double>(amounts.windows);
    case Unit::kStep: return static_cast<double>(amounts.steps);
    case Unit::kEpoch: return amounts.epochs;
    case Unit::kSample: return static_cast<double>(amounts.samples);
    case Unit::kToken: return static_cast<double>(amounts.tokens);
    case Unit::kSecond:
    case Unit::kMinute:
    case Unit::kHour: return amounts.seconds;
    case Unit::kMoney: return amounts.cost;
    case Unit::kKilowattHour: return amounts.kwh;
    case Unit::kPercent: break;
  }
  throw Error(ExitCode::kFailure, format("\"{}\" was not resolved against the run's length", interval.text));
}

bool is_reached(const Interval& limit, const Amounts& amounts) { return amount_of(amounts, limit) >= limit.base_amount(); }

double fraction_of(const std::optional<Interval>& length, const Amounts& amounts) {
  if (!length) return std::numeric_limits<double>::quiet_NaN();
  return std::min(1.0, amount_of(amounts, *length) / length->base_amount());
}

}  // namespace trainhost
