// Young's interval and its words.
#include "loop/save_schedule.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "ledger/totals.h"

namespace trainhost {
namespace {

constexpr double kNewestWeight = 0.2;           // a change of machine is noticed within a few saves
constexpr double kAssumedSeconds = 24 * 3600.0;
constexpr double kRoomForOneSave = 1.2;         // one save is under way at a time

std::string short_seconds(double seconds) { return seconds < 1 ? format("{:.3g} ms", 1000 * seconds) : human_seconds(seconds); }

std::string_view source_text(Hazard::Source source) {
  return source == Hazard::Source::kGiven ? "given" : source == Hazard::Source::kObserved ? "observed" : "assumed";
}

}  // namespace

void SaveCost::add(double blocking, double total) {
  ++num_saves;
  const double weight = std::max(kNewestWeight, 1 / static_cast<double>(num_saves));
  blocking_seconds += weight * (blocking - blocking_seconds);
  total_seconds += weight * (total - total_seconds);
}

nlohmann::json to_json(const SaveCost& cost) { return {{"num_saves", cost.num_saves}, {"blocking_seconds", cost.blocking_seconds}, {"total_seconds", cost.total_seconds}}; }

SaveCost save_cost_from_json(const nlohmann::json& json) { return {json.at("num_saves"), json.at("blocking_seconds"), json.at("total_seconds")}; }

Hazard estimate_hazard(std::optional<double> given_seconds, uint64_t num_interruptions, double observed_seconds) {
  if (given_seconds) return {*given_seconds, Hazard::Source::kGiven, num_interruptions};
  const double mean = (observed_seconds + kAssumedSeconds) / static_cast<double>(num_interruptions + 1);
  return {mean, num_interruptions > 0 ? Hazard::Source::kObserved : Hazard::Source::kAssumed, num_interruptions};
}

double balanced_interval(const SaveCost& cost, const Hazard& hazard) {
  if (cost.num_saves == 0) return kFirstSaveSeconds;
  return std::max(std::sqrt(2 * cost.blocking_seconds * hazard.mean_seconds), kRoomForOneSave * cost.total_seconds);
}

double expected_loss_share(double interval_seconds, const SaveCost& cost, const Hazard& hazard) {
  return cost.blocking_seconds / interval_seconds + (interval_seconds / 2 + cost.total_seconds) / hazard.mean_seconds;
}

std::optional<double> SaveOutlook::loss_seconds_per_hour() const {
  if (!interval_seconds || cost.num_saves == 0 || !(*interval_seconds > 0)) return std::nullopt;
  return 3600 * expected_loss_share(*interval_seconds, cost, hazard);
}

std::optional<double> SaveOutlook::loss_cost_per_hour() const {
  const auto seconds = loss_seconds_per_hour();
  return seconds && price_per_hour ? std::optional(*seconds / 3600 * *price_per_hour) : std::nullopt;
}

std::string SaveOutlook::text() const {
  const std::string between = format("{} between interruptions, {}", human_seconds(hazard.mean_seconds), source_text(hazard.source));
  const auto loss = loss_seconds_per_hour();
  if (!loss && is_automatic) return format("auto: the first after {}, then by its cost and {}", human_seconds(kFirstSaveSeconds), between);
  if (!loss) return format("every {}; what they lose is known once one was measured", every);
  const std::string when = is_automatic ? format("auto, now every {}", short_seconds(*interval_seconds)) : format("every {} ({})", every, short_seconds(*interval_seconds));
  return format("{}; a save costs {}, {}: expected loss {} an hour, {}", when, short_seconds(cost.blocking_seconds), between, short_seconds(*loss),
                money_text(loss_cost_per_hour(), currency));
}

nlohmann::json to_json(const SaveOutlook& outlook) {
  const auto number = [](std::optional<double> value) { return value ? nlohmann::json(*value) : nlohmann::json(); };
  return {{"every", outlook.every},
          {"interval_seconds", number(outlook.interval_seconds)},
          {"save_seconds", outlook.cost.num_saves > 0 ? nlohmann::json(outlook.cost.blocking_seconds) : nlohmann::json()},
          {"mean_seconds_between_interruptions", outlook.hazard.mean_seconds},
          {"hazard", source_text(outlook.hazard.source)},
          {"interruptions", outlook.hazard.num_interruptions},
          {"loss_seconds_per_hour", number(outlook.loss_seconds_per_hour())},
          {"loss_cost_per_hour", number(outlook.loss_cost_per_hour())}};
}

}  // namespace trainhost
