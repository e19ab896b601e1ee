// Retention as a pure function of the list.
#include "checkpoint/retention.h"

#include <algorithm>
#include <set>

namespace trainhost {
namespace {

constexpr size_t kGoodKept = 2;

/// Of every `steps` the oldest one that lies in them, the first ones left out: they are the start of the run.
void keep_milestones(const std::vector<const CheckpointInfo*>& verified, uint64_t steps, std::set<std::string>& kept) {
  std::set<uint64_t> seen;
  for (size_t i = verified.size(); i-- > 0;) {
    const uint64_t milestone = verified[i]->step / steps;
    if (milestone > 0 && seen.insert(milestone).second) kept.insert(verified[i]->id);
  }
}

void keep_best(std::vector<const CheckpointInfo*> verified, const StoreOptions& options, std::set<std::string>& kept) {
  const auto value = [&](const CheckpointInfo* info) {
    const double measured = info->evaluation.at(options.best_metric);
    return options.is_higher_better ? -measured : measured;
  };
  std::erase_if(verified, [&](const CheckpointInfo* info) { return !info->evaluation.contains(options.best_metric); });
  std::stable_sort(verified.begin(), verified.end(), [&](const CheckpointInfo* a, const CheckpointInfo* b) { return value(a) < value(b); });
  for (size_t i = 0; i < std::min<uint64_t>(verified.size(), options.keep_best); ++i) kept.insert(verified[i]->id);
}

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
  if (options.keep_every > 0) keep_milestones(verified, options.keep_every, kept);
  if (!options.best_metric.empty()) keep_best(verified, options, kept);
  return kept;
}

}  // namespace

const CheckpointInfo* best_checkpoint(std::span<const CheckpointInfo> checkpoints, const std::string& metric, bool is_higher_better) {
  const CheckpointInfo* best = nullptr;
  double best_value = 0;
  for (const CheckpointInfo& info : checkpoints) {
    const auto found = info.evaluation.find(metric);
    if (!info.is_verified || info.is_superseded || found == info.evaluation.end()) continue;
    const double value = is_higher_better ? -found->second : found->second;
    if (!best || value <= best_value) best = &info, best_value = value;
  }
  return best;
}

std::vector<std::string> choose_outdated(std::span<const CheckpointInfo> checkpoints, const StoreOptions& options) {
  std::vector<const CheckpointInfo*> verified;
  size_t newest_index = 0;
  for (size_t i = checkpoints.size(); i-- > 0;) {
    if (!checkpoints[i].is_verified || checkpoints[i].is_superseded) continue;
    if (verified.empty()) newest_index = i;
    verified.push_back(&checkpoints[i]);
  }
  if (verified.empty()) return {};
  const std::set<std::string> kept = choose_kept(verified, options);
  std::vector<std::string> outdated;
  for (size_t i = 0; i < newest_index; ++i)
    if (!kept.contains(checkpoints[i].id) && !checkpoints[i].is_newer_format) outdated.push_back(checkpoints[i].id);
  return outdated;
}

}  // namespace trainhost
