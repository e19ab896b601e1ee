// The part of a config that decides the numbers of a run: its hash guards resumes, its differences are what a refusal shows.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "config/interval.h"
#include "config/resolve.h"

namespace trainhost {

/// The length whose fractions learning-rate schedules see: the key `length` of the chosen lr_schedule's table, else `stored` (of the checkpoint that the run
/// goes on from), else the run's length. A percentage in the table is a share of that length, which the schedule takes itself.
std::optional<Interval> schedule_length(const ResolvedConfig& config, const std::optional<Interval>& stored = std::nullopt);

/// The keys that change the numbers: {"host": {..}, "plugins": {"kind/name": {..}}, "order": {..}, "schedule_length": ".."}. Not in it: max, prices, telemetry,
/// cadences, paths, threads, the name, the device, and what plugins mark with "x-trajectory": false. Stored in checkpoints.
nlohmann::json trajectory(const ResolvedConfig& config, const std::optional<Interval>& schedule_length);

/// Member of a trajectory: what a run that began with given weights read, "sha256:...". Kept over resumes, and no part of the differences.
inline constexpr const char* kInitialWeights = "initial_weights";

/// 32 hex digits.
std::string trajectory_hash(const nlohmann::json& trajectory);

/// One key that differs; "absent" stands for a value that one side does not have. `plugin` is "kind/name", empty for the host's keys.
struct Difference {
  std::string key, plugin, before, after;
};
std::vector<Difference> trajectory_differences(const nlohmann::json& before, const nlohmann::json& after);

/// Differences that no NAME of --resume-without accepts; NAME is a key, a plugin's name or kind/name.
std::vector<Difference> unaccepted(const std::vector<Difference>& differences, const std::vector<std::string>& accepted);

/// "  gpt.width: 128 in the checkpoint, 256 now", one a line.
std::string differences_text(const std::vector<Difference>& differences);

}  // namespace trainhost
