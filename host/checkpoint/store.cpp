// Saving: write, commit, read back, mark verified, retain.
#include "checkpoint/store.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "checkpoint/load.h"
#include "checkpoint/retention.h"
#include "checkpoint/transfer.h"

namespace trainhost {
namespace {

constexpr unsigned kWholeSaves = 3;  // a commit that is UNAVAILABLE may or may not have happened: only a save under another key is safe to try

void sleep_seconds(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

int64_t unix_milliseconds() { return unix_nanoseconds() / 1'000'000; }

std::string find_problem(const Snapshot& snapshot, unsigned num_threads) {
  if (const std::string found = first_non_finite(snapshot.weights, num_threads); !found.empty()) return "weights: " + found;
  if (const std::string found = first_non_finite(snapshot.optimizer, num_threads); !found.empty()) return "optimizer: " + found;
  return {};
}

std::vector<TensorView> as_tensors(const std::vector<PluginState>& states) {
  std::vector<TensorView> tensors;
  for (const PluginState& state : states)
    tensors.push_back({state.name, "U8", {static_cast<int64_t>(state.bytes.size())}, reinterpret_cast<const std::byte*>(state.bytes.data()), state.bytes.size()});
  return tensors;
}

}  // namespace

/// One save under way.
struct CheckpointStore::Writing {
  CheckpointFolder folder;  // what this save has made, and nothing else
  Manifest manifest;
  std::string manifest_text;
  CommitRecord commit;
};

CheckpointStore::CheckpointStore(ObjectStore& objects, StoreOptions options)
    : options_(std::move(options)), objects_(objects, options_.tries, options_.wait ? options_.wait : sleep_seconds) {}

/// For a run that ends because of it: what it can go on from.
std::string CheckpointStore::what_is_safe() const {
  const std::string& id = newest_.empty() ? origin_ : newest_;
  return id.empty() ? "no checkpoint is safe yet" : format("checkpoint {} is safe", id);
}

Error CheckpointStore::unwritable(const std::string& what, const std::string& why) const {
  return Error(ExitCode::kCheckpointUnwritable, format("{}: {}; {}; make room or access there, or choose another checkpoint.uri", what, why, what_is_safe()));
}

std::string CheckpointStore::place(const CheckpointId& id) const { return options_.prefix + id.text() + "/"; }

TransferOptions CheckpointStore::transfer() const { return {options_.block_bytes, options_.num_threads}; }

void CheckpointStore::claim() {
  if (attempt_ > 0) return;
  try {
    attempt_ = claim_attempt(objects_, options_.prefix, options_.run_id, origin_, attempt_at_look_);
  } catch (const PluginCallError& error) {
    throw unwritable("the checkpoint place cannot be claimed", error.what());
  }
  if (attempt_ == 0)
    throw Error(ExitCode::kCheckpointUnwritable, format("another process has claimed the checkpoint place since this one looked for what to go on from ({}), and may be "
                                                        "further; make sure that only one runs, and start again: it goes on from the newest",
                                                        origin_.empty() ? "nothing was there" : "checkpoint " + origin_));
}

SaveReport CheckpointStore::save(const Snapshot& snapshot) {
  SaveReport report;
  report.problem = find_problem(snapshot, options_.num_threads);
  if (!report.problem.empty()) {
    report.info.window = snapshot.window;
    report.info.step = snapshot.step;
    return report;
  }
  claim();
  const std::string what = format("checkpoint of step {} was not saved", snapshot.step);
  for (unsigned number = 1;; ++number) {
    try {
      return try_save(snapshot);
    } catch (const PluginCallError& error) {
      if (!error.is_retryable() || number == kWholeSaves) throw unwritable(what, error.what());
      log_warning("{}: {}; trying again as a whole", what, error.what());
    } catch (const ObjectDamage& error) {
      throw unwritable(what, format("it reads back differently: {}", error.what()));
    } catch (const SafetensorsError& error) {
      throw Error(ExitCode::kFailure, format("{}: {}", what, error.what()));
    }
  }
}

SaveReport CheckpointStore::try_save(const Snapshot& snapshot) {
  Writing writing;
  writing.folder.id = {snapshot.step, attempt_, ++num_saves_};
  SaveReport report;
  try {
    const double start = monotonic_seconds();
    write(snapshot, writing);
    const double written = monotonic_seconds();
    require_newest_attempt(snapshot.step);
    commit(snapshot, writing);
    require_newest_attempt(snapshot.step);  // replaced between the look above and the commit: it is taken back
    const double committed = monotonic_seconds();
    verify(writing);
    report.write_seconds = written - start;
    report.commit_seconds = committed - written;
    report.verify_seconds = monotonic_seconds() - committed;
  } catch (const std::exception&) {
    discard(writing);
    throw;
  }
  for (const ObjectRecord& object : writing.manifest.objects) report.bytes += object.bytes;
  report.bytes += writing.manifest_text.size();
  report.info = {writing.folder.id.text(), snapshot.window, snapshot.step, attempt_, num_saves_, true, false, report.bytes, writing.commit.unix_ms, snapshot.evaluation, {}};
  newest_ = report.info.id;
  report.num_removed = retain();
  return report;
}

void CheckpointStore::write(const Snapshot& snapshot, Writing& writing) {
  const std::string folder = place(writing.folder.id);
  Manifest& manifest = writing.manifest;
  manifest.run_id = options_.run_id;
  manifest.trajectory_hash = snapshot.trajectory_hash;
  manifest.window = snapshot.window;
  manifest.block_bytes = options_.block_bytes;
  const auto put = [&](std::string_view name, const ObjectSource& source) {
    try {
      writing.folder.sizes.emplace(name, source.bytes());
      return write_object(objects_, folder, name, source, transfer());
    } catch (const PluginCallError& error) {
      if (error.status() == TRAINHOST_ALREADY_EXISTS) writing.folder.sizes.erase(std::string(name));
      throw;
    }
  };
  const auto add = [&](std::string_view name, const ObjectSource& source) { manifest.objects.push_back(put(name, source)); };
  const auto add_tensors = [&](std::string_view name, std::span<const TensorView> tensors) {
    add(name, ObjectSource(lay_out_safetensors(tensors, {{"format", "pt"}, {"writer", "trainhost"}})));
  };
  add_tensors(kWeightsObject, snapshot.weights);
  add_tensors(kOptimizerObject, snapshot.optimizer);
  add_tensors(kEngineObject, snapshot.engine);
  add_tensors(kPluginsObject, as_tensors(snapshot.plugin_states));
  for (const PluginState& state : snapshot.plugin_states) manifest.plugins.push_back({state.name, state.version});
  add(kRunStateObject, ObjectSource(snapshot.run_state_json));
  writing.manifest_text = manifest.text();
  put(kManifestObject, ObjectSource(writing.manifest_text));
}

void CheckpointStore::require_newest_attempt(uint64_t step) {
  const uint64_t newest = newest_attempt(objects_, options_.prefix);
  if (newest <= attempt_) return;
  throw Error(ExitCode::kCheckpointUnwritable, format("run {} was taken over by a newer process (attempt {}, this one is attempt {}): checkpoint of step {} was not saved; {}; let the newer one go on",
                                                      options_.run_id, newest, attempt_, step, what_is_safe()));
}

void CheckpointStore::commit(const Snapshot& snapshot, Writing& writing) {
  writing.commit = {writing.folder.id.text(), snapshot.window, writing.manifest_text.size(), crc32c(writing.manifest_text.data(), writing.manifest_text.size()), unix_milliseconds(), snapshot.evaluation};
  writing.folder.sizes.emplace(kCommitObject, 0);
  if (objects_.create(place(writing.folder.id) + std::string(kCommitObject), writing.commit.text())) return;
  writing.folder.sizes.erase(std::string(kCommitObject));
  throw Error(ExitCode::kCheckpointUnwritable, format("{} is there already; give the run a name of its own", writing.folder.id.text()));
}

void CheckpointStore::verify(Writing& writing) {
  const std::string folder = place(writing.folder.id);
  if (read_small(objects_, folder + std::string(kManifestObject), writing.manifest_text.size()) != writing.manifest_text) throw ObjectDamage(false, "the manifest is not what was written");
  if (read_small(objects_, folder + std::string(kCommitObject), writing.commit.text().size()) != writing.commit.text()) throw ObjectDamage(false, "the commit record is not what was written");
  for (const ObjectRecord& object : writing.manifest.objects) verify_object(objects_, folder, object, transfer());
  const std::string text = seal(nlohmann::json{{"format", Manifest::kFormat}, {"id", writing.folder.id.text()}, {"manifest_crc32c", writing.commit.manifest_crc32c}, {"unix_ms", unix_milliseconds()}}.dump());
  writing.folder.sizes.emplace(kVerifiedObject, 0);
  if (!objects_.create(folder + std::string(kVerifiedObject), text)) throw ObjectDamage(false, "another process marked it verified");
}

void CheckpointStore::discard(const Writing& writing) {
  try {
    remove_folder(objects_, options_.prefix, writing.folder);
  } catch (const PluginCallError& error) {
    log_warning("the unfinished checkpoint {} is left behind: {}; the next checkpoint removes it", writing.folder.id.text(), error.what());
  }
}

uint64_t CheckpointStore::retain() {
  uint64_t num_removed = 0;
  try {
    const std::vector<CheckpointFolder> folders = list_folders(objects_, options_.prefix);
    for (const std::string& id : choose_outdated(describe_all(folders), options_)) {
      const auto folder = std::find_if(folders.begin(), folders.end(), [&](const CheckpointFolder& candidate) { return candidate.id.text() == id; });
      remove_folder(objects_, options_.prefix, *folder);
      ++num_removed;
    }
  } catch (const PluginCallError& error) {
    log_warning("outdated checkpoints are left behind: {}; the next checkpoint tries again", error.what());
  }
  return num_removed;
}

bool CheckpointStore::mark_good(const std::string& id) {
  try {
    const std::vector<CheckpointFolder> folders = list_folders(objects_, options_.prefix);
    const auto folder = std::find_if(folders.begin(), folders.end(), [&](const CheckpointFolder& candidate) { return candidate.id.text() == id; });
    if (folder == folders.end() || !folder->is_committed() || !folder->is_verified()) return false;
    return objects_.create(place(folder->id) + std::string(kGoodObject), seal(nlohmann::json{{"format", Manifest::kFormat}, {"id", id}}.dump()));
  } catch (const PluginCallError& error) {
    throw unwritable(format("checkpoint {} cannot be marked good", id), error.what());
  }
}

void CheckpointStore::remove_all() {
  for (const StoredObject& object : objects_.list(options_.prefix)) objects_.remove(object.key);
}

void CheckpointStore::require_answer() {
  try {
    newest_attempt(objects_, options_.prefix);
  } catch (const PluginCallError& error) {
    if (!error.is_retryable()) throw;
    throw Error(ExitCode::kCheckpointUnwritable, format("the checkpoint place does not answer: {}; make it reachable, or choose another checkpoint.uri", error.what()));
  }
}

void CheckpointStore::probe() {
  constexpr std::string_view kText = "trainhost probes whether checkpoints can be written here\n";
  std::random_device random;
  const std::string name = format("probe-{:08x}{:08x}", random(), random()), key = options_.prefix + name;
  try {
    const ObjectRecord record = write_object(objects_, options_.prefix, name, ObjectSource(kText), transfer());
    try {
      verify_object(objects_, options_.prefix, record, transfer());
    } catch (const ObjectDamage&) {
      objects_.remove(key);
      throw;
    }
    objects_.remove(key);
  } catch (const PluginCallError& error) {
    throw unwritable("the checkpoint place cannot be used", error.what());
  } catch (const ObjectDamage& error) {
    throw unwritable("the checkpoint place cannot be used", format("a probe reads back differently: {}", error.what()));
  }
}

}  // namespace trainhost
