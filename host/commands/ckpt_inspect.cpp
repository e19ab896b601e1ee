// `trainhost ckpt inspect` and `verify`: what is in a checkpoint, and whether all of it is right.
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "base/table.h"
#include "checkpoint/difference.h"
#include "checkpoint/survey.h"
#include "commands/ckpt_command.h"
#include "ledger/totals.h"

namespace trainhost {
namespace {

using nlohmann::json;

struct Inspected {
  CheckpointInfo info;
  Manifest manifest;
  std::vector<std::pair<std::string, std::vector<TensorView>>> parts;  // object -> its tensors, without data
  json run_state;
};

Inspected read_inspected(CheckpointPlace& place, const CheckpointFolder& folder) {
  Inspected inspected;
  inspected.info = survey(place.objects(), "", {&folder, 1}).front();
  CheckpointReader reader(place.objects(), "", folder, 1);
  inspected.manifest = reader.manifest(reader.commit());
  for (const ObjectRecord& record : inspected.manifest.objects)
    if (record.header_bytes > 0) inspected.parts.emplace_back(record.name, reader.header(inspected.manifest, record.name));
  const Buffer text = reader.object(inspected.manifest, kRunStateObject);
  inspected.run_state = json::parse(text.text(), nullptr, false);
  if (!inspected.run_state.is_object()) reader.fail("data", kRunStateObject, "is no JSON object");
  return inspected;
}

/// What the checkpoint's own ledger says, as in the event of that name.
std::optional<LedgerReport> ledger_of(const json& run_state) {
  if (!run_state.contains("ledger")) return std::nullopt;
  try {
    const json& saved = run_state.at("ledger");
    std::vector<Totals> segments;
    std::optional<double> price;
    for (const json& segment : saved.at("segments")) {
      segments.push_back(Totals::from_json(segment));
      if (segments.back().price_per_hour) price = segments.back().price_per_hour;
    }
    LedgerReport report = make_report(segments, price);
    report.currency = saved.at("currency");
    report.num_attempts = saved.at("attempts");
    return report;
  } catch (const json::exception& error) {
    throw Error(ExitCode::kCheckpointUnreadable, format("the checkpoint's ledger cannot be understood: {}", error.what()));
  }
}

/// What the loop has counted; rows that no decision has seen yet are for the program alone.
json progress_of(const json& run_state) {
  static const std::vector<std::pair<const char*, const char*>> kCounters{
      {"windows", "/state/windows"}, {"micro_batches", "/state/micro_batches"}, {"samples", "/state/samples"}, {"skipped", "/state/observed/skipped"},
      {"epoch", "/state/position/epoch"}, {"epoch_position", "/state/position/epoch_position"}, {"schedule_length", "/state/schedule_length"}};
  json progress = json::object();
  for (const auto& [name, place] : kCounters)
    if (const json::json_pointer pointer(place); run_state.contains(pointer)) progress[name] = run_state.at(pointer);
  return progress;
}

json plugins_of(const json& run_state) { return run_state.value("plugins", json::array()); }

json as_json(const Inspected& inspected) {
  const CheckpointInfo& info = inspected.info;
  json answer = {{"id", info.id}, {"state", state_text(info)}, {"step", info.step}, {"window", info.window}, {"attempt", info.attempt}, {"save", info.save},
                 {"time", utc_timestamp(info.unix_ms * 1'000'000)}, {"bytes", info.bytes}, {"evaluation", info.evaluation}, {"run_id", inspected.manifest.run_id},
                 {"trajectory_hash", inspected.manifest.trajectory_hash}, {"files", json::array()}, {"tensors", json::array()},
                 {"plugins", plugins_of(inspected.run_state)}, {"config", inspected.run_state.value("trajectory", json())}, {"progress", progress_of(inspected.run_state)}};
  for (const ObjectRecord& object : inspected.manifest.objects) answer["files"].push_back({{"name", object.name}, {"bytes", object.bytes}});
  for (const auto& [file, tensors] : inspected.parts)
    for (const TensorView& tensor : tensors)
      answer["tensors"].push_back({{"file", file}, {"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"bytes", tensor.bytes}});
  const auto ledger = ledger_of(inspected.run_state);
  answer["ledger"] = ledger ? report_json(*ledger) : json();
  return answer;
}

std::string size_text(uint64_t bytes) { return human_bytes(static_cast<double>(bytes)); }

std::string head_text(const Inspected& inspected) {
  const CheckpointInfo& info = inspected.info;
  std::vector<std::vector<std::string>> rows{{"checkpoint", info.id},
                                             {"state", state_text(info)},
                                             {"step", format("{}, {} windows tried", info.step, info.window)},
                                             {"time", utc_timestamp(info.unix_ms * 1'000'000)},
                                             {"size", size_text(info.bytes)},
                                             {"run", format("{}, attempt {}, save {}", inspected.manifest.run_id, info.attempt, info.save)},
                                             {"config hash", inspected.manifest.trajectory_hash}};
  for (const auto& [name, value] : info.evaluation) rows.push_back({name, format("{:.6g}", value)});
  return align_columns(rows, "ll", 0);
}

std::string text(const Inspected& inspected) {
  std::vector<std::vector<std::string>> files, tensors, plugins, progress;
  for (const ObjectRecord& object : inspected.manifest.objects) files.push_back({object.name, size_text(object.bytes)});
  for (const auto& [file, views] : inspected.parts)
    for (const TensorView& tensor : views) tensors.push_back({tensor.name, type_text(tensor), size_text(tensor.bytes), file});
  for (const json& plugin : plugins_of(inspected.run_state)) plugins.push_back({plugin.value("plugin", ""), plugin.value("version", ""), plugin.value("sha256", "")});
  const json counters = progress_of(inspected.run_state);
  for (const auto& [key, value] : counters.items()) progress.push_back({key, value.dump()});
  std::string out = head_text(inspected) + "\nfiles\n" + align_columns(files, "lr") + "\ntensors\n" + align_columns(tensors, "llrl") + "\nplugins\n" +
                    align_columns(plugins, "lll") + "\nprogress\n" + align_columns(progress, "lr");
  if (const auto ledger = ledger_of(inspected.run_state)) out += "\nwhere time went\n" + report_text(*ledger);
  return out;
}

struct Verdict {
  std::string id, state;
  std::optional<CheckpointDamage> damage;
};

Verdict verify_one(CheckpointPlace& place, const CheckpointFolder& folder, const CheckpointInfo& info) {
  Verdict verdict{info.id, state_text(info), std::nullopt};
  try {
    verify_folder(place.objects(), "", folder, kReadThreads);
  } catch (const DamagedCheckpoint& error) {
    verdict.damage = error.damage();
  } catch (const NewerCheckpoint& error) {
    verdict.damage = CheckpointDamage{info.id, "commit", "format", error.what()};
  }
  return verdict;
}

json as_json(const Verdict& verdict) {
  json entry = {{"id", verdict.id}, {"state", verdict.state}, {"is_right", !verdict.damage}};
  if (verdict.damage) entry["damage"] = {{"region", verdict.damage->region}, {"object", verdict.damage->object}, {"reason", verdict.damage->reason}};
  return entry;
}

}  // namespace

ExitCode ckpt_inspect(const Request& request, CheckpointPlace& place) {
  const Inspected inspected = read_or_refuse([&] { return read_inspected(place, place.folder()); });
  if (request.is_json) std::cout << as_json(inspected).dump() << "\n";
  else std::cout << text(inspected);
  return ExitCode::kDone;
}

ExitCode ckpt_verify(const Request& request, CheckpointPlace& place) {
  std::vector<CheckpointFolder> folders = place.folders();
  // An unfinished one promises nothing, unless it was asked for by name.
  if (!place.is_one()) std::erase_if(folders, [](const CheckpointFolder& folder) { return !folder.is_committed() && !folder.is_verified() && !folder.has(kGoodObject); });
  if (folders.empty()) throw Error(ExitCode::kCheckpointUnreadable, format("{}: holds no finished checkpoint", place.word()));
  const std::vector<CheckpointInfo> infos = survey(place.objects(), "", folders);
  json answer = {{"place", place.word()}, {"checkpoints", json::array()}};
  std::vector<std::vector<std::string>> rows{{"CHECKPOINT", "SIZE", "STATE", "READ BACK"}};
  size_t num_damaged = 0;
  for (size_t i = 0; i < folders.size(); ++i) {
    const ShownReading shown(request, place, infos[i].bytes, "reading " + infos[i].id);
    const Verdict verdict = verify_one(place, folders[i], infos[i]);
    num_damaged += verdict.damage.has_value();
    answer["checkpoints"].push_back(as_json(verdict));
    const std::string found = verdict.damage ? format("{}: {}: {}", verdict.damage->region, verdict.damage->object, verdict.damage->reason) : "right";
    rows.push_back({verdict.id, size_text(infos[i].bytes), verdict.state, found});
  }
  answer["num_damaged"] = num_damaged;
  std::cout << (request.is_json ? answer.dump() + "\n" : align_columns(rows, "lrll", 0));
  return num_damaged > 0 ? ExitCode::kCheckpointUnreadable : ExitCode::kDone;
}

}  // namespace trainhost
