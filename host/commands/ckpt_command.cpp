// The words of `trainhost ckpt`, and the list.
#include "commands/ckpt_command.h"

#include <algorithm>
#include <iostream>
#include <set>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "base/nearest.h"
#include "base/table.h"
#include "checkpoint/survey.h"

namespace trainhost {
namespace {

using nlohmann::json;

std::string time_text(int64_t unix_ms) { return unix_ms > 0 ? utc_timestamp(unix_ms * 1'000'000) : ""; }

json list_entry(const CheckpointInfo& info) {
  json entry = {{"id", info.id},   {"step", info.step},   {"window", info.window},       {"attempt", info.attempt},         {"save", info.save},
                {"bytes", info.bytes}, {"state", state_text(info)}, {"time", info.unix_ms > 0 ? json(time_text(info.unix_ms)) : json()}, {"evaluation", info.evaluation}};
  if (const std::string& problem = info.problem.empty() ? info.mark_problem : info.problem; !problem.empty()) entry["problem"] = problem;
  return entry;
}

[[noreturn]] void refuse_words(const Request& request, const std::string& wanted) {
  throw Error(ExitCode::kConfig, format("command line: ckpt {} takes {}, got {} word(s) behind it; see `trainhost ckpt --help`", request.words.front(), wanted, request.words.size() - 1));
}

}  // namespace

const std::vector<std::string>& ckpt_verbs() {
  static const std::vector<std::string> verbs{"list", "inspect", "verify", "diff", "prune", "export"};
  return verbs;
}

ExitCode ckpt_command(const Request& request) {
  const std::string verb = request.words.empty() ? "" : request.words.front();
  const size_t num_words = request.words.empty() ? 0 : request.words.size() - 1;
  if (std::find(ckpt_verbs().begin(), ckpt_verbs().end(), verb) == ckpt_verbs().end())
    throw Error(ExitCode::kConfig, format("command line: ckpt takes list, inspect, verify, diff, prune or export, got \"{}\"{}", verb, did_you_mean(verb, ckpt_verbs())));
  const bool takes_two = verb == "diff" || verb == "export";
  if (num_words != (takes_two ? 2u : 1u)) refuse_words(request, verb == "diff" ? "two PLACEs" : verb == "export" ? "PLACE and DEST" : "one PLACE");
  const auto place = CheckpointPlace::open(request, request.words[1]);
  if (verb == "list") return ckpt_list(request, *place);
  if (verb == "inspect") return ckpt_inspect(request, *place);
  if (verb == "verify") return ckpt_verify(request, *place);
  if (verb == "prune") return ckpt_prune(request, *place);
  if (verb == "export") return ckpt_export(request, *place, request.words[2]);
  return ckpt_diff(request, *place, *CheckpointPlace::open(request, request.words[2]));
}

std::string state_text(const CheckpointInfo& info) {
  if (info.is_newer_format) return "newer format";
  if (!info.problem.empty()) return "damaged";
  if (!info.is_committed) return "unfinished";
  if (info.is_superseded) return "superseded";
  return info.is_good ? "good" : info.is_verified ? "verified" : "written";
}

std::optional<std::string> choose_metric(const Request& request, std::span<const CheckpointInfo> infos) {
  std::set<std::string> all, losses;
  for (const CheckpointInfo& info : infos)
    for (const auto& [name, value] : info.evaluation) {
      all.insert(name);
      if (name.ends_with("/loss")) losses.insert(name);
    }
  std::string names;
  for (const std::string& name : all) names += (names.empty() ? "" : ", ") + name;
  if (request.metric && !all.contains(*request.metric))
    throw Error(ExitCode::kConfig, format("command line: --metric {}: no checkpoint has it; there is {}", *request.metric, names.empty() ? "none" : names));
  if (request.metric) return request.metric;
  if (losses.size() > 1) throw Error(ExitCode::kConfig, format("command line: the checkpoints have several losses; choose with --metric one of {}", names));
  return losses.empty() ? std::nullopt : std::optional(*losses.begin());
}

ShownReading::ShownReading(const Request& request, CheckpointPlace& place, uint64_t total_bytes, const std::string& what)
    : place_(place), line_({.what = what, .total_bytes = total_bytes, .is_quiet = request.is_quiet}) {
  place_.set_meter([this](uint64_t bytes) { line_.add(bytes); });
}

ExitCode ckpt_list(const Request& request, CheckpointPlace& place) {
  const std::vector<CheckpointInfo> infos = survey(place.objects(), "", place.folders());
  if (request.is_json) {
    json answer = {{"place", place.word()}, {"checkpoints", json::array()}};
    for (const CheckpointInfo& info : infos) answer["checkpoints"].push_back(list_entry(info));
    std::cout << answer.dump() << "\n";
    return ExitCode::kDone;
  }
  const auto metric = choose_metric(request, infos);
  std::vector<std::vector<std::string>> rows{{"CHECKPOINT", "STEP", "TIME", "SIZE", "STATE", metric.value_or("")}};
  for (const CheckpointInfo& info : infos) {
    const auto value = metric ? info.evaluation.find(*metric) : info.evaluation.end();
    rows.push_back({info.id, format("{}", info.step), time_text(info.unix_ms), human_bytes(static_cast<double>(info.bytes)), state_text(info),
                    value == info.evaluation.end() ? "" : format("{:.6g}", value->second)});
  }
  std::cout << align_columns(rows, "lrlrlr", 0);
  return ExitCode::kDone;
}

}  // namespace trainhost
