// Amounts with a unit ("100step", "2.5h", "40usd", "5%"): how configs state limits and cadences.
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace trainhost {

enum class Unit { kWindow, kStep, kEpoch, kSample, kToken, kSecond, kMinute, kHour, kMoney, kKilowattHour, kPercent };

/// A positive, finite amount of one unit. `text` is what the user wrote.
struct Interval {
  double amount = 0;
  Unit unit = Unit::kStep;
  std::string text;
  std::string currency;  // only with kMoney: "usd"

  /// Counted, not measured: the same run reaches it in the same window each time. False for time, money and energy.
  bool is_exact() const;
  /// Seconds for s, min and h; the amount itself for every other unit.
  double base_amount() const;
};

/// What a run has consumed since its first start; NaN = not measured. `epochs` counts parts of an epoch too.
struct Amounts {
  uint64_t windows = 0, steps = 0, samples = 0, tokens = 0;
  double epochs = 0;
  double seconds = std::numeric_limits<double>::quiet_NaN();
  double cost = std::numeric_limits<double>::quiet_NaN();
  double kwh = std::numeric_limits<double>::quiet_NaN();
};

/// What this run is able to measure.
struct Measures {
  std::string currency = "usd";
  bool has_price = false;
  bool has_energy_meter = false;
};

/// Reads "100step". Three lower-case letters that are no unit are taken for a currency until require_measurable() looks at them.
/// Throws Error(kConfig) whose text begins with `place`, e.g. "configs/a.toml:3:1: max".
Interval parse_interval(std::string_view text, std::string_view place);

/// "100step", "0.5h": the shortest text that parse_interval() reads as the same amount.
std::string interval_text(double amount, Unit unit, std::string_view currency = {});

/// Throws Error(kConfig) beginning with `place` when the run cannot measure the unit: money without a price or in another currency, kwh without a meter.
void require_measurable(const Interval& interval, const Measures& measures, std::string_view place);

/// The run's length: the first entry of `max` in windows, steps, samples, tokens or epochs.
std::optional<Interval> run_length(std::span<const Interval> max);

/// A percentage as an amount of the run's length (whole and at least 1 for all units but epochs); any other interval unchanged.
/// Throws Error(kConfig) beginning with `place` when there is no length.
Interval resolve_percent(const Interval& interval, const std::optional<Interval>& length, std::string_view place);

/// The consumed amount in the interval's unit (base_amount() scale), NaN when not measured. The interval must not be a percentage.
double amount_of(const Amounts& amounts, const Interval& interval);

/// True once the consumed amount is at least the limit; false while it is not measured.
bool is_reached(const Interval& limit, const Amounts& amounts);

/// Consumed part of `length`, 0..1; NaN without a length.
double fraction_of(const std::optional<Interval>& length, const Amounts& amounts);

}  // namespace trainhost
