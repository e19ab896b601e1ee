// How often to save: what saves cost against what an interruption would lose.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace trainhost {

/// What a save of this run has cost, as a mean that favours the newest ones.
struct SaveCost {
  uint64_t num_saves = 0;
  double blocking_seconds = 0;  // training stood still
  double total_seconds = 0;     // from the beginning until it was verified: so old is the newest safe state, at least

  void add(double blocking, double total);
};
nlohmann::json to_json(const SaveCost& cost);
/// Throws nlohmann's exceptions.
SaveCost save_cost_from_json(const nlohmann::json& json);

/// Mean time between interruptions that nobody announced: those that lose what was not saved.
struct Hazard {
  enum class Source { kGiven, kObserved, kAssumed };
  double mean_seconds = 0;
  Source source = Source::kAssumed;
  uint64_t num_interruptions = 0;  // observed ones
};
/// `given` wins. Else (observed + a day) / (interruptions + 1): before anything was seen, one a day is assumed.
Hazard estimate_hazard(std::optional<double> given_seconds, uint64_t num_interruptions, double observed_seconds);

/// Seconds between saves that lose the least: sqrt(2 cost mean), J. W. Young, Communications of the ACM 17 (1974), the first order of J. T. Daly, Future
/// Generation Computer Systems 22 (2006). Never less than a save takes, and a fifth more. Before the first save is measured: kFirstSaveSeconds.
double balanced_interval(const SaveCost& cost, const Hazard& hazard);
inline constexpr double kFirstSaveSeconds = 60;

/// Share of the time that is lost: to the saves themselves, and to the work since the last safe state at each interruption.
double expected_loss_share(double interval_seconds, const SaveCost& cost, const Hazard& hazard);

/// What people and logs are told.
struct SaveOutlook {
  bool is_automatic = false;
  std::string every;                        // as the config says it
  std::optional<double> interval_seconds;   // nullopt: not known yet
  SaveCost cost;
  Hazard hazard;
  std::optional<double> price_per_hour;
  std::string currency;

  /// nullopt before a save was measured.
  std::optional<double> loss_seconds_per_hour() const;
  std::optional<double> loss_cost_per_hour() const;
  std::string text() const;
};
nlohmann::json to_json(const SaveOutlook& outlook);

}  // namespace trainhost
