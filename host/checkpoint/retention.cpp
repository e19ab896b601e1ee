// Retention as a pure function of the list.
#include "checkpoint/retention.h"

#include <algorithm>
#include <set>

namespace trainhost {
namespace {

constexpr size_t kGoodKept = 2;

/// The ids that stay; `verified` is newest first.
std::set<std::string> choose_kept(const std::vector<const CheckpointInfo*>& verified, const StoreOptions& options) {
  std::set<std::string> kept;
  size_t num_good = 0;
  const CheckpointInfo* next_good = nullptr;
  for (size_t i = 0; i < verified.size(); ++i) {
    const CheckpointInfo& info = *verified[i];
    if (i < std::max<uint64_t>(1, options.keep_last)) kept.insert(info.id);
    if (info.is_good && ++num_good <= kGoodKept) kept.insert(info.id);
    // Where saves are closer together than the windows that "good" takes, the newest ones alone would never live long enough to earn it.
    if (num_good == 0) next_good = &info;
  }
  if (next_good) kept.insert(next_good->id);
  return kept;
}

}  // namespace

const CheckpointInfo* best_checkpoint(std::span<const CheckpointInfo> checkpoints, const std::string& metric, bool is_higher_better) {
  const CheckpointInfo* best = nullptr;
  double best_value = 0;
  for (const CheckpointInfo& info : checkpoints) {
    const auto found = info.evaluation.find(metric);
    if (!info.is_verified || found == info.evaluation.end()) continue;
    const double value = is_higher_better ? -found->second : found->second;
    if (!best || value <= best_value) best = &info, best_value = value;
  }
  return best;
}

std::vector<std::string> choose_outdated(std::span<const CheckpointInfo> checkpoints, const StoreOptions& options) {
  std::vector<const CheckpointInfo*> verified;
  size_t newest_index = 0;
  for (size_t i = checkpoints.size(); i-- > 0;) {
    if (!checkpoints[i].is_verified) continue;
    if (verified.empty()) newest_index = i;
    verified.push_back(&checkpoints[i]);
  }
  if (verified.empty()) return {};
  std::set<std::string> kept = choose_kept(verified, options);
  if (!options.best_metric.empty())
    if (const CheckpointInfo* best = best_checkpoint(checkpoints, options.best_metric, options.is_higher_better)) kept.insert(best->id);
  std::vector<std::string> outdated;
  for (size_t i = 0; i < newest_index; ++i)
    if (!kept.contains(checkpoints[i].id)) outdated.push_back(checkpoints[i].id);
  return outdated;
}

}  // namespace trainhost
