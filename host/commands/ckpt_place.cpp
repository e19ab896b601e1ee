// From a word to an opened backend.
#include "commands/ckpt_place.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/files.h"
#include "base/log.h"
#include "checkpoint/survey.h"
#include "commands/job.h"
#include "config/plugin_list.h"
#include "config/schema.h"

namespace trainhost {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string without_slashes(std::string text) {
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

bool is_run_folder(const fs::path& path) { return fs::exists(path / "run.json") && fs::exists(path / "config.toml"); }

/// The settings of one backend out of --config, environment and overrides, checked.
json settings_of(const ConfigTree& tree, const PluginRecord& record) {
  ConfigTree table;
  for (const KeyPath& path : {KeyPath{record.name}, KeyPath{record.kind, record.name}}) table.graft({}, tree.subtree(path));
  for (const ConfigTree::Addition& addition : tree.additions())
    if (addition.path.front() != record.name && addition.path.front() != record.kind && addition.origin.layer == Layer::kOverride)
      throw Error(ExitCode::kConfig, format("{}: only keys of {} count here; write {}.KEY=VALUE", addition.origin.text, record.full_name(), record.name));
  Problems problems;
  const ConfigTree checked = check_table(*record.schema, table, record.name, problems);
  problems.raise();
  return checked.values();
}

std::string names_of(const std::vector<PluginRecord>& records) {
  std::string names;
  for (const PluginRecord& record : records) names += (names.empty() ? "" : ", ") + record.full_name();
  return names;
}

/// The installed backend that serves the scheme, or the one of --plugins.
PluginRecord find_backend(PluginCatalog& catalog, const Request& request, const std::string& uri) {
  const std::string scheme = uri.substr(0, uri.find(':'));
  std::vector<PluginRecord> candidates;
  if (request.plugin_edits.empty()) candidates.assign(catalog.records().begin(), catalog.records().end());
  for (const std::string& name : request.plugin_edits) candidates.push_back(catalog.find(name));
  std::erase_if(candidates, [&](const PluginRecord& record) {
    return record.kind != "checkpoint_backend" || record.decorates > 0 || std::find(record.schemes.begin(), record.schemes.end(), scheme) == record.schemes.end();
  });
  if (candidates.empty())
    throw Error(ExitCode::kConfig, format("{}: no {} checkpoint backend serves the scheme \"{}\"; `trainhost plugins list` shows what is installed", uri,
                                          request.plugin_edits.empty() ? "installed" : "chosen", scheme));
  if (candidates.size() > 1)
    throw Error(ExitCode::kConfig, format("{}: several checkpoint backends serve the scheme \"{}\": {}; choose one with --plugins NAME", uri, scheme, names_of(candidates)));
  return candidates.front();
}

std::vector<ChosenPlugin> backend_for(const Request& request, const std::string& uri) {
  ConfigTree tree;
  if (request.config_file) tree.add_file(*request.config_file);
  std::vector<std::string> entries;
  for (char** entry = environ; *entry; ++entry) entries.emplace_back(*entry);
  tree.add_environment(entries);
  for (const std::string& text : request.overrides) tree.apply_override(text);
  PluginCatalog catalog = load_catalog(tree);
  const PluginRecord record = find_backend(catalog, request, uri);
  json settings = settings_of(tree, record);
  settings["uri"] = uri;
  return {{record, std::move(settings)}};
}

/// Whether the run's checkpoints are more than the files below its folder: it names a place, or decorates its backend.
bool lies_elsewhere(const fs::path& folder) {
  ConfigTree tree;
  tree.add_file(folder / "config.toml");
  if (tree.find({"checkpoint", "uri"})) return true;
  const PluginLists lists = plugin_lists(tree);
  const PluginCatalog catalog = load_catalog(tree);
  const auto decorates = [&](const std::string& word) {
    return std::any_of(catalog.records().begin(), catalog.records().end(), [&](const PluginRecord& record) {
      return record.kind == "checkpoint_backend" && record.decorates > 0 && (word == record.name || word == record.full_name());
    });
  };
  return !lists.checkpoint_decorators.empty() || std::any_of(lists.plugins.begin(), lists.plugins.end(), decorates);
}

/// What a run folder's own config says, decorators too.
std::vector<ChosenPlugin> backends_of_run(const Request& request, const fs::path& folder) {
  Request layers = request;
  layers.words.clear();
  const SessionSetup setup = make_setup(load_run_job(layers, folder), folder, "");
  std::vector<ChosenPlugin> backends;
  size_t next_uri = 0;
  for (ChosenPlugin plugin : setup.plugins) {
    if (plugin.record.kind != "checkpoint_backend") continue;
    if (plugin.record.decorates == 0) plugin.config["uri"] = setup.checkpoint_uris.at(next_uri++);
    backends.push_back(std::move(plugin));
  }
  return backends;
}

}  // namespace

/// Tells of every byte that is read.
class CheckpointPlace::MeteredStore : public ObjectStore {
 public:
  explicit MeteredStore(ObjectStore& objects) : objects_(objects) {}
  std::function<void(uint64_t)> meter;

  std::unique_ptr<Put> begin(std::string_view key, uint64_t size, uint64_t wished) override { return objects_.begin(key, size, wished); }
  bool create(std::string_view key, std::string_view bytes) override { return objects_.create(key, bytes); }
  uint64_t get(std::string_view key, uint64_t offset, std::span<std::byte> out) override {
    const uint64_t got = objects_.get(key, offset, out);
    if (meter) meter(got);
    return got;
  }
  std::vector<StoredObject> list(std::string_view prefix) override { return objects_.list(prefix); }
  void remove(std::string_view key) override { objects_.remove(key); }
  uint32_t num_places() const override { return objects_.num_places(); }
  uint64_t get_copy(uint32_t place, std::string_view key, uint64_t offset, std::span<std::byte> out) override {
    const uint64_t got = objects_.get_copy(place, key, offset, out);
    if (meter) meter(got);
    return got;
  }

 private:
  ObjectStore& objects_;
};

std::unique_ptr<CheckpointPlace> CheckpointPlace::open(const Request& request, const std::string& word) {
  std::string uri = word;
  if (!has_uri_scheme(word)) {
    if (!fs::exists(word)) throw Error(ExitCode::kConfig, format("{}: there is nothing; give a run folder, a checkpoint, a folder of checkpoints, or a URI such as s3://BUCKET/PREFIX", word));
    fs::path path = without_slashes(fs::absolute(word).lexically_normal().string());
    if (is_run_folder(path) && (lies_elsewhere(path) || !fs::exists(path / "checkpoints")))
      return std::unique_ptr<CheckpointPlace>(new CheckpointPlace(word, std::nullopt, backends_of_run(request, word)));
    if (is_run_folder(path)) path /= "checkpoints";
    uri = "file:" + path.string();
  }
  const CheckpointUri parts = split_checkpoint_uri(uri);
  return std::unique_ptr<CheckpointPlace>(new CheckpointPlace(word, parts.id, backend_for(request, parts.store)));
}

CheckpointPlace::CheckpointPlace(std::string word, std::optional<CheckpointId> id, std::vector<ChosenPlugin> backends)
    : word_(std::move(word)), id_(id), facts_{.cache_folder = cache_folder().string()}, plugins_(backends, nullptr) {
  plugins_.start(facts_);
  backend_ = std::make_unique<CheckpointBackend>(plugins_.one("checkpoint_backend"));
  plain_ = make_object_store(*backend_);
  metered_ = std::make_unique<MeteredStore>(*plain_);
  objects_ = std::make_unique<RetryingStore>(*metered_, 5, [](double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); });
}

CheckpointPlace::~CheckpointPlace() = default;

void CheckpointPlace::set_meter(std::function<void(uint64_t)> meter) { metered_->meter = std::move(meter); }

std::vector<CheckpointFolder> CheckpointPlace::folders() {
  std::vector<CheckpointFolder> found = list_folders(*objects_, "");
  if (id_) std::erase_if(found, [&](const CheckpointFolder& folder) { return folder.id.text() != id_->text(); });
  if (found.empty())
    throw Error(ExitCode::kCheckpointUnreadable, format("{}: {}", word_, id_ ? "this checkpoint is not there; `trainhost ckpt list` on the folder above shows what is"
                                                                            : "no checkpoint lies there; give the place that holds a run's checkpoints, such as runs/NAME"));
  return found;
}

CheckpointFolder CheckpointPlace::folder() {
  const std::vector<CheckpointFolder> found = folders();
  if (id_) return found.front();
  const std::vector<CheckpointInfo> infos = survey(*objects_, "", found);
  for (size_t i = found.size(); i-- > 0;)
    if (infos[i].is_verified && !infos[i].is_superseded) return found[i];
  throw Error(ExitCode::kCheckpointUnreadable, format("{}: holds no verified checkpoint; name one of those that `trainhost ckpt list` shows", word_));
}

}  // namespace trainhost
