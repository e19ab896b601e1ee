// Sums, their saved form, and the table "where time went".
#include "ledger/totals.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "base/table.h"

namespace trainhost {
namespace {

struct ActivityName {
  std::string_view key, label;
};
constexpr std::array<ActivityName, kNumActivities> kActivityNames{{
    {"start_up", "start-up"},
    {"compute", "compute"},
    {"data_wait", "data wait"},
    {"checkpoint", "checkpoint"},
    {"evaluation", "evaluation"},
    {"idle", "idle and other"},
}};

int64_t checked(const nlohmann::json& value) {
  const int64_t ns = value;
  if (ns < 0)
    throw Error(ExitCode::kCheckpointUnreadable, format("ledger of the run: got {} where a time or count is wanted; resume from an older checkpoint", ns));
  return ns;
}

double seconds_of(int64_t ns) { return static_cast<double>(ns) / 1e9; }

std::vector<LedgerLine> plugin_lines(const std::map<std::string, LedgerLine>& by_name) {
  std::vector<LedgerLine> lines;
  for (const auto& [name, line] : by_name)
    if (line.num_calls > 0) lines.push_back(line);
  std::stable_sort(lines.begin(), lines.end(), [](const LedgerLine& a, const LedgerLine& b) { return a.ns > b.ns; });
  return lines;
}

constexpr double kNoPrice = std::numeric_limits<double>::quiet_NaN();

// Adds one segment's time and money to a line.
void add_to(LedgerLine& line, int64_t ns, uint64_t num_calls, double price) {
  line.ns += ns;
  line.num_calls += num_calls;
  if (!std::isnan(price)) line.cost = line.cost.value_or(0) + static_cast<double>(ns) * price / 3600e9;
}

}  // namespace

std::string_view activity_key(Activity activity) { return kActivityNames[static_cast<size_t>(activity)].key; }

void Totals::add(const Totals& other) {
  wall_ns += other.wall_ns;
  for (size_t i = 0; i < kNumActivities; ++i) activities[i] += other.activities[i];
  for (const auto& [name, time] : other.plugins) {
    PluginTime& sum = plugins[name];
    sum.train_ns += time.train_ns;
    sum.background_ns += time.background_ns;
    sum.train_calls += time.train_calls;
    sum.background_calls += time.background_calls;
  }
}

nlohmann::json Totals::to_json() const {
  nlohmann::json saved{{"price_per_hour", nullptr}, {"wall_ns", wall_ns}};
  if (price_per_hour) saved["price_per_hour"] = *price_per_hour;
  for (size_t i = 0; i < kNumActivities; ++i) saved["activities"][std::string(kActivityNames[i].key)] = activities[i];
  saved["plugins"] = nlohmann::json::object();
  for (const auto& [name, time] : plugins) saved["plugins"][name] = {time.train_ns, time.train_calls, time.background_ns, time.background_calls};
  return saved;
}

Totals Totals::from_json(const nlohmann::json& saved) {
  Totals totals;
  if (const auto& price = saved.at("price_per_hour"); !price.is_null()) totals.price_per_hour = price.get<double>();
  totals.wall_ns = checked(saved.at("wall_ns"));
  int64_t sum = 0;
  for (size_t i = 0; i < kNumActivities; ++i) sum += totals.activities[i] = checked(saved.at("activities").at(std::string(kActivityNames[i].key)));
  for (const auto& [name, time] : saved.at("plugins").items()) {
    totals.plugins[name] = {checked(time.at(0)), checked(time.at(2)), static_cast<uint64_t>(checked(time.at(1))), static_cast<uint64_t>(checked(time.at(3)))};
    sum += totals.plugins[name].train_ns;
  }
  if (sum != totals.wall_ns)
    throw Error(ExitCode::kCheckpointUnreadable,
                format("ledger of the run: its parts are {} ns, the whole is {} ns; resume from an older checkpoint", sum, totals.wall_ns));
  return totals;
}

LedgerReport make_report(std::span<const Totals> segments, std::optional<double> price_per_hour) {
  LedgerReport report;
  report.price_per_hour = price_per_hour;
  report.activities.resize(kNumActivities);
  for (size_t i = 0; i < kNumActivities; ++i) report.activities[i].name = kActivityNames[i].key;
  std::map<std::string, LedgerLine> plugins, background;
  LedgerLine whole;
  for (const Totals& totals : segments) {
    const double price = price_per_hour ? totals.price_per_hour.value_or(*price_per_hour) : kNoPrice;
    if (price_per_hour && !totals.price_per_hour) report.priced_later_ns += totals.wall_ns;
    add_to(whole, totals.wall_ns, 0, price);
    for (size_t i = 0; i < kNumActivities; ++i) add_to(report.activities[i], totals.activities[i], 0, price);
    for (const auto& [name, time] : totals.plugins) {
      plugins[name].name = background[name].name = name;
      add_to(plugins[name], time.train_ns, time.train_calls, price);
      add_to(background[name], time.background_ns, time.background_calls, kNoPrice);
    }
  }
  report.wall_ns = whole.ns;
  report.cost = whole.cost;
  report.plugins = plugin_lines(plugins);
  report.background = plugin_lines(background);
  for (auto* lines : {&report.activities, &report.plugins, &report.background})
    for (LedgerLine& line : *lines) line.share = whole.ns > 0 ? static_cast<double>(line.ns) / static_cast<double>(whole.ns) : 0;
  return report;
}

nlohmann::json report_json(const LedgerReport& report) {
  const auto or_null = [](std::optional<double> value) { return value ? nlohmann::json(*value) : nlohmann::json(nullptr); };
  nlohmann::json out{{"seconds", seconds_of(report.wall_ns)}, {"cost", or_null(report.cost)},          {"price_per_hour", or_null(report.price_per_hour)},
                     {"currency", report.currency},           {"attempts", report.num_attempts},       {"interruptions", report.num_interruptions}, {"parts", nlohmann::json::object()},
                     {"plugins", nlohmann::json::object()},   {"background", nlohmann::json::object()}};
  for (const LedgerLine& line : report.activities) out["parts"][line.name] = {{"seconds", seconds_of(line.ns)}, {"cost", or_null(line.cost)}};
  for (const LedgerLine& line : report.plugins)
    out["plugins"][line.name] = {{"seconds", seconds_of(line.ns)}, {"cost", or_null(line.cost)}, {"calls", line.num_calls}};
  for (const LedgerLine& line : report.background) out["background"][line.name] = {{"seconds", seconds_of(line.ns)}, {"calls", line.num_calls}};
  return out;
}

std::string money_text(std::optional<double> amount, std::string_view currency) {
  if (!amount) return "not measured";
  const double size = std::abs(*amount);
  const int decimals = size >= 1 || size == 0 ? 2 : size >= 0.01 ? 4 : 6;
  const std::string number = decimals == 2 ? format("{:.2f}", *amount) : decimals == 4 ? format("{:.4f}", *amount) : format("{:.6f}", *amount);
  return currency.empty() ? number : format("{} {}", number, currency);
}

std::string report_text(const LedgerReport& report) {
  std::vector<std::vector<std::string>> rows;
  const auto row = [&](std::string label, const LedgerLine& line) {
    const std::string calls = line.num_calls > 0 ? format("{} call{}", line.num_calls, line.num_calls == 1 ? "" : "s") : "";
    rows.push_back({std::move(label), human_seconds(seconds_of(line.ns)), format("{:.1f}%", 100 * line.share),
                    report.cost ? money_text(line.cost, report.currency) : "", calls});
  };
  for (size_t i = 0; i + 1 < kNumActivities; ++i) row(std::string(kActivityNames[i].label), report.activities[i]);
  for (const LedgerLine& line : report.plugins) row(line.name, line);
  row(std::string(kActivityNames.back().label), report.activities.back());
  rows.push_back({"total", human_seconds(seconds_of(report.wall_ns)), "100.0%", money_text(report.cost, report.currency)});
  std::string text = align_columns(rows, "lrrrr");

  if (!report.background.empty()) {
    rows.clear();
    for (const LedgerLine& line : report.background) row(line.name, line), rows.back()[3].clear();
    text += "  plugins on other threads, while the above went on:\n" + align_columns(rows, "lrrrr");
  }
  if (!report.price_per_hour) text += "  cost is not measured: price_per_hour is not set\n";
  if (report.priced_later_ns > 0)
    text += format("  {} of it ran before a price was known and count at the present price\n", human_seconds(seconds_of(report.priced_later_ns)));
  const std::string interrupted = report.num_interruptions > 0 ? format(", {} of them interrupted without notice", report.num_interruptions) : "";
  if (report.num_attempts > 1) text += format("  over {} attempts{}\n", report.num_attempts, interrupted);
  return text;
}

}  // namespace trainhost
