// `trainhost ckpt prune`: retention by hand, under the same promises as in a run.
#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/table.h"
#include "checkpoint/retention.h"
#include "checkpoint/survey.h"
#include "commands/ckpt_command.h"

namespace trainhost {
namespace {

StoreOptions retention_of(const Request& request, std::span<const CheckpointInfo> infos) {
  if (!request.keep_last && !request.keep_every && !request.keep_best)
    throw Error(ExitCode::kConfig, "command line: ckpt prune: say what stays: --keep-last N, --keep-every STEPS, --keep-best N, or several of them");
  StoreOptions options;
  options.keep_last = request.keep_last.value_or(1);
  options.keep_every = request.keep_every.value_or(0);
  options.keep_best = request.keep_best.value_or(0);
  if (options.keep_best == 0) return options;
  const auto metric = choose_metric(request, infos);
  if (!metric) throw Error(ExitCode::kConfig, "command line: --keep-best: the checkpoints hold no evaluation loss; leave it out, or name another with --metric SET/METRIC");
  options.best_metric = *metric;
  return options;
}

}  // namespace

ExitCode ckpt_prune(const Request& request, CheckpointPlace& place) {
  if (place.is_one()) throw Error(ExitCode::kConfig, format("command line: ckpt prune: {} is one checkpoint; give the place that holds it", place.word()));
  const std::vector<CheckpointFolder> folders = place.folders();
  const std::vector<CheckpointInfo> infos = survey(place.objects(), "", folders);
  const std::vector<std::string> outdated = choose_outdated(infos, retention_of(request, infos));
  nlohmann::json removed = nlohmann::json::array();
  std::vector<std::vector<std::string>> rows{{"CHECKPOINT", "SIZE", "STATE", ""}};
  uint64_t bytes = 0;
  for (size_t i = 0; i < folders.size(); ++i) {
    const bool goes = std::find(outdated.begin(), outdated.end(), infos[i].id) != outdated.end();
    rows.push_back({infos[i].id, human_bytes(static_cast<double>(infos[i].bytes)), state_text(infos[i]), !goes ? "stays" : request.is_dry_run ? "would go" : "removed"});
    if (!goes) continue;
    bytes += infos[i].bytes;
    removed.push_back(infos[i].id);
    if (!request.is_dry_run) remove_folder(place.objects(), "", folders[i]);
  }
  if (request.is_json) {
    std::cout << nlohmann::json{{"place", place.word()}, {"is_dry_run", request.is_dry_run}, {"removed", removed}, {"bytes", bytes}}.dump() << "\n";
    return ExitCode::kDone;
  }
  std::cout << align_columns(rows, "lrll", 0)
            << format("{} of {} checkpoints {}, {}\n", removed.size(), folders.size(), request.is_dry_run ? "would go" : "removed", human_bytes(static_cast<double>(bytes)));
  return ExitCode::kDone;
}

}  // namespace trainhost
