// Choosing and locking run folders.
#include "loop/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "base/files.h"
#include "config/trajectory.h"

namespace trainhost {
namespace {

using Json = nlohmann::json;

constexpr const char* kRecordName = "run.json";
constexpr const char* kLockName = "run.lock";

std::filesystem::path numbered(const std::filesystem::path& out, const std::string& name, int number) {
  return out / (number == 1 ? name : format("{}-{}", name, number));
}

Amounts amounts_from_json(const Json& json) {
  const auto real = [&](const char* key) { return json.at(key).is_null() ? std::nan("") : json.at(key).get<double>(); };
  Amounts amounts;
  amounts.windows = json.at("windows");
  amounts.steps = json.at("steps");
  amounts.samples = json.at("samples");
  amounts.tokens = json.at("tokens");
  amounts.epochs = real("epochs");
  amounts.seconds = real("seconds");
  amounts.cost = real("cost");
  amounts.kwh = real("kwh");
  return amounts;
}

bool is_finished(const Json& record) { return record.at("status") == "finished"; }

// A run that ended at its limit may go on when no limit of now is reached yet.
bool may_go_on(const Json& record, const std::vector<Interval>& max) {
  if (record.at("ended_by") != "max") return false;
  const Amounts amounts = amounts_from_json(record.at("amounts"));
  return std::none_of(max.begin(), max.end(), [&](const Interval& limit) { return is_reached(limit, amounts); });
}

// A folder that a process made and left before it could write run.json.
bool is_abandoned(const std::filesystem::path& folder) {
  return std::filesystem::is_directory(folder) && (std::filesystem::is_empty(folder) || std::filesystem::exists(folder / kLockName));
}

}  // namespace

std::optional<Interval> effective_schedule_length(const ResolvedConfig& config, const std::optional<std::string>& stored) {
  if (!stored) return schedule_length(config);
  if (!stored->empty()) return schedule_length(config, parse_interval(*stored, "stored schedule length"));
  const bool has_own = std::any_of(config.plugins.begin(), config.plugins.end(),
                                   [](const PluginConfig& plugin) { return plugin.kind == "lr_schedule" && plugin.values.contains("length"); });
  return has_own ? schedule_length(config) : std::nullopt;
}

std::optional<Json> read_run_record(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kRecordName;
  if (!std::filesystem::exists(path)) return std::nullopt;
  try {
    return Json::parse(read_file(path));
  } catch (const Json::exception& problem) {
    throw Error(ExitCode::kConfig, format("{}: damaged: {}; move the folder away, or start under another --name", path.string(), problem.what()));
  }
}

void require_same_trajectory(const Json& before, const Json& now, const std::vector<std::string>& accepted, const std::string& place) {
  const std::vector<Difference> refused = unaccepted(trajectory_differences(before, now), accepted);
  if (refused.empty()) return;
  throw Error(ExitCode::kConfig, format("{}: the run there was started with other values:\n{}\nset them back, accept each one with --resume-without KEY, or start a new run with --name NAME",
                                        place, differences_text(refused)));
}

RunFolder RunFolder::choose(const FolderRequest& request, const ResolvedConfig& config) {
  for (int number = 1;; ++number) {
    RunFolder folder(numbered(request.out, request.name, number));
    if (!std::filesystem::exists(folder.path_)) return folder;
    const auto record = read_run_record(folder.path_);
    if (!record && is_abandoned(folder.path_)) return folder;
    if (!record) throw Error(ExitCode::kConfig, format("{}: exists, is not empty and holds no run (no {}); choose another --name or --out", folder.path_.string(), kRecordName));
    if (request.is_never_resumed) continue;
    if (!request.initial_uri.empty() && record->value("initial_uri", "") != request.initial_uri) continue;
    if (is_finished(*record) && !may_go_on(*record, config.run.max)) continue;
    require_same_trajectory(record->at("trajectory"), trajectory(config, effective_schedule_length(config, record->at("schedule_length").get<std::string>())), request.accepted, folder.path_.string());
    folder.record_ = *record;
    return folder;
  }
}

void RunFolder::create() {
  make_writable_folder(path_);
  lock_ = ::open((path_ / kLockName).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0 || ::flock(lock_, LOCK_EX | LOCK_NB) != 0)
    throw Error(ExitCode::kConfig, format("{}: another trainhost process works in this folder; wait for it, or start a new run with --name NAME", path_.string()));
}

void RunFolder::write_record(const Json& record) { write_file_atomically(path_ / kRecordName, record.dump(2) + "\n"); }

RunFolder::RunFolder(RunFolder&& other) noexcept : path_(std::move(other.path_)), record_(std::move(other.record_)), lock_(std::exchange(other.lock_, -1)) {}

RunFolder::~RunFolder() {
  if (lock_ >= 0) ::close(lock_);
}

Json amounts_to_json(const Amounts& amounts) {
  const auto real = [](double value) { return std::isnan(value) ? Json() : Json(value); };
  return {{"windows", amounts.windows}, {"steps", amounts.steps}, {"samples", amounts.samples}, {"tokens", amounts.tokens},
          {"epochs", real(amounts.epochs)}, {"seconds", real(amounts.seconds)}, {"cost", real(amounts.cost)}, {"kwh", real(amounts.kwh)}};
}

}  // namespace trainhost
