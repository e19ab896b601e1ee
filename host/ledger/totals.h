// Sums of the ledger over one price, and the report made of them.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace trainhost {

/// What the train thread does while it runs no plugin code.
enum class Activity : uint32_t {
  kStartUp,     // from the start of the process to the first window: loading, restoring, first data
  kCompute,     // forward, backward, update, and waiting for the device
  kDataWait,    // the device could work, but no batch is there
  kCheckpoint,  // as far as training waits for it
  kEvaluation,
  kIdle,  // everything else: nobody claims it
};
constexpr size_t kNumActivities = 6;

/// "start_up", "compute", ...: keys of the saved form and of the event `ledger`.
std::string_view activity_key(Activity activity);

/// Of one plugin. Train time is part of the wall time; background time is that of other threads and overlaps with it.
struct PluginTime {
  int64_t train_ns = 0, background_ns = 0;
  uint64_t train_calls = 0, background_calls = 0;
};

/// Time that was spent at one price. wall_ns = all activities + all plugins' train_ns.
struct Totals {
  std::optional<double> price_per_hour;
  int64_t wall_ns = 0;
  std::array<int64_t, kNumActivities> activities{};
  std::map<std::string, PluginTime> plugins;

  void add(const Totals& other);  // the price stays
  nlohmann::json to_json() const;
  /// Throws Error(kCheckpointUnreadable) when a key is missing, mistyped or negative, or when the parts are not the whole.
  static Totals from_json(const nlohmann::json& saved);
};

struct LedgerLine {
  std::string name;  // key of an activity, or "kind/name"
  int64_t ns = 0;
  double share = 0;            // of the wall time
  std::optional<double> cost;  // nullopt = not measured
  uint64_t num_calls = 0;      // of plugins
};

/// All attempts of a run. The `ns` of activities and plugins together are wall_ns; those of background are not part of it.
struct LedgerReport {
  int64_t wall_ns = 0;
  uint64_t num_attempts = 1, num_interruptions = 0;
  std::optional<double> cost;
  std::optional<double> price_per_hour;  // of now
  std::string currency;
  int64_t priced_later_ns = 0;                              // spent when no price was known, counted at the price of now
  std::vector<LedgerLine> activities, plugins, background;  // activities in the order of the enum, the others by falling time
};

/// Adds up segments of known and unknown prices; unknown ones count at `price_per_hour`.
LedgerReport make_report(std::span<const Totals> segments, std::optional<double> price_per_hour);

/// Event `ledger`: {"seconds", "cost", "currency", "price_per_hour", "attempts", "interruptions", "parts": {..}, "plugins": {..}, "background": {..}}; null = not measured.
nlohmann::json report_json(const LedgerReport& report);

/// The table "where time went", lines ended by newlines.
std::string report_text(const LedgerReport& report);

/// "12.30 usd", "0.0042 usd"; nullopt: "not measured".
std::string money_text(std::optional<double> amount, std::string_view currency);

}  // namespace trainhost
