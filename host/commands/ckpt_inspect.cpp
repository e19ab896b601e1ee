// `trainhost ckpt inspect` and `verify`: what is in a checkpoint, and whether all of it is right.
#include <algorithm>
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

Inspected read_inspected(ObjectStore& objects, const CheckpointFolder& folder) {
  Inspected inspected;
  CheckpointReader reader(objects, "", folder, 1);
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

/// What reading one copy back has shown.
struct CopyVerdict {
  bool is_there = true;
  std::optional<CheckpointDamage> damage;
};

CopyVerdict verify_copy(ObjectStore& objects, const CheckpointFolder& folder) {
  CopyVerdict verdict;
  try {
    verify_folder(objects, "", folder, kReadThreads);
  } catch (const DamagedCheckpoint& error) {
    verdict.damage = error.damage();
  } catch (const NewerCheckpoint& error) {
    verdict.damage = CheckpointDamage{folder.id.text(), "commit", "format", error.what()};
  }
  return verdict;
}

/// One of several copies. A place may lag behind: it may lack the checkpoint, or a mark, and be right.
CopyVerdict verify_in_place(ObjectStore& objects, uint32_t place, CheckpointFolder folder) {
  OnePlace one(objects, place);
  const auto is_there = [&](std::string_view name) {
    try {
      std::byte byte;
      one.get(folder.id.text() + "/" + std::string(name), 0, {&byte, 1});
      return true;
    } catch (const PluginCallError& error) {
      if (error.status() == TRAINHOST_NOT_FOUND) return false;
      throw;
    }
  };
  try {
    if (!is_there(kCommitObject)) return {.is_there = false, .damage = {}};
    for (const std::string_view mark : {kVerifiedObject, kGoodObject})
      if (folder.has(mark) && !is_there(mark)) folder.sizes.erase(std::string(mark));
    return verify_copy(one, of_any_size(folder));
  } catch (const PluginCallError& error) {
    return {.is_there = true, .damage = CheckpointDamage{folder.id.text(), "place", "", error.what()}};
  }
}

struct CheckpointVerdict {
  std::string id, state;
  std::vector<CopyVerdict> copies;  // one for each place

  bool is_right() const {
    const auto is_there = [](const CopyVerdict& copy) { return copy.is_there; };
    return std::none_of(copies.begin(), copies.end(), [](const CopyVerdict& copy) { return copy.damage.has_value(); }) && std::any_of(copies.begin(), copies.end(), is_there);
  }
};

CheckpointVerdict verify_one(CheckpointPlace& place, const CheckpointFolder& folder, const CheckpointInfo& info) {
  CheckpointVerdict verdict{info.id, state_text(info), {}};
  const uint32_t num_places = place.objects().num_places();
  if (num_places == 1) verdict.copies.push_back(verify_copy(place.objects(), folder));
  for (uint32_t i = 0; num_places > 1 && i < num_places; ++i) verdict.copies.push_back(verify_in_place(place.objects(), i, folder));
  return verdict;
}

json as_json(const CheckpointDamage& damage) { return {{"region", damage.region}, {"object", damage.object}, {"reason", damage.reason}}; }

json as_json(const CheckpointVerdict& verdict) {
  json entry = {{"id", verdict.id}, {"state", verdict.state}, {"is_right", verdict.is_right()}};
  for (const CopyVerdict& copy : verdict.copies)
    if (copy.damage && !entry.contains("damage")) entry["damage"] = as_json(*copy.damage);
  if (verdict.copies.size() == 1) return entry;
  entry["copies"] = json::array();
  for (const CopyVerdict& copy : verdict.copies) {
    json one = {{"is_there", copy.is_there}, {"is_right", copy.is_there && !copy.damage}};
    if (copy.damage) one["damage"] = as_json(*copy.damage);
    entry["copies"].push_back(std::move(one));
  }
  return entry;
}

std::string copy_text(const CopyVerdict& copy) {
  if (!copy.is_there) return "not there";
  return copy.damage ? format("{}: {}: {}", copy.damage->region, copy.damage->object, copy.damage->reason) : "right";
}

/// Places are counted in the order of the backends, from 1.
std::string text(const CheckpointVerdict& verdict) {
  if (verdict.copies.size() == 1) return copy_text(verdict.copies.front());
  std::string all;
  for (size_t i = 0; i < verdict.copies.size(); ++i) all += format("{}place {}: {}", i ? "; " : "", i + 1, copy_text(verdict.copies[i]));
  return all;
}

}  // namespace

ExitCode ckpt_inspect(const Request& request, CheckpointPlace& place) {
  const CheckpointFolder folder = place.folder();
  Inspected inspected = read_or_refuse([&] { return read_any_copy(place.objects(), folder, read_inspected); });
  inspected.info = survey(place.objects(), "", {&folder, 1}).front();
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
    const ShownReading shown(request, place, infos[i].bytes * place.objects().num_places(), "reading " + infos[i].id);
    const CheckpointVerdict verdict = verify_one(place, folders[i], infos[i]);
    num_damaged += !verdict.is_right();
    answer["checkpoints"].push_back(as_json(verdict));
    rows.push_back({verdict.id, size_text(infos[i].bytes), verdict.state, text(verdict)});
  }
  answer["num_damaged"] = num_damaged;
  std::cout << (request.is_json ? answer.dump() + "\n" : align_columns(rows, "lrll", 0));
  return num_damaged > 0 ? ExitCode::kCheckpointUnreadable : ExitCode::kDone;
}

}  // namespace trainhost
