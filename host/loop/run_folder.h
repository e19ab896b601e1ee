// Where a run leaves everything: which folder a start takes, whether it goes on there, and run.json.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/resolve.h"

namespace trainhost {

struct FolderRequest {
  std::filesystem::path out;
  std::string name;
  bool is_never_resumed = false;          // --resume never
  std::string initial_uri;                // --resume URI: only a run that began from there goes on
  std::vector<std::string> accepted;      // --resume-without
};

/// A run's folder, locked against a second process while this object lives.
class RunFolder {
 public:
  /// DIR/NAME when it is free, or holds an unfinished run of the same trajectory, or a finished one whose `max` was raised; else DIR/NAME-2 and so on.
  /// Nothing is written yet. Throws Error(kConfig): another trajectory (with the keys that differ), in use, not writable.
  static RunFolder choose(const FolderRequest& request, const ResolvedConfig& config);

  const std::filesystem::path& path() const { return path_; }
  /// Whether a run is to go on here.
  bool is_resume() const { return !record_.empty(); }
  /// run.json of the run that goes on; empty for a new one.
  const nlohmann::json& record() const { return record_; }

  /// Makes the folder and takes its lock. Throws Error(kConfig).
  void create();
  /// Replaces run.json.
  void write_record(const nlohmann::json& record);

  RunFolder(RunFolder&& other) noexcept;
  RunFolder& operator=(RunFolder&&) = delete;
  ~RunFolder();

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
  nlohmann::json record_ = nlohmann::json::object();
  int lock_ = -1;
};

/// run.json of a folder; nullopt when there is none. Throws Error(kConfig) when it is damaged.
std::optional<nlohmann::json> read_run_record(const std::filesystem::path& folder);

/// Throws Error(kConfig) that lists every key that differs and is not accepted.
void require_same_trajectory(const nlohmann::json& before, const nlohmann::json& now, const std::vector<std::string>& accepted, const std::string& place);

/// What a schedule stretches to: the length that was stored at the first start holds ("": there was none), unless the schedule's own table says another one.
/// `stored` is nullopt at the first start.
std::optional<Interval> effective_schedule_length(const ResolvedConfig& config, const std::optional<std::string>& stored);

nlohmann::json amounts_to_json(const Amounts& amounts);

}  // namespace trainhost
