// From the command line to a job: config resolved, plugins found and chosen. Runs no plugin code.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "commands/command_line.h"
#include "config/resolve.h"
#include "loop/run_plugins.h"
#include "loop/session.h"
#include "plugin/catalog.h"

namespace trainhost {

struct Job {
  PluginCatalog catalog;
  std::optional<std::filesystem::path> config_file;  // absent: the default job
  ConfigTree tree;  // as written, with origins
  ResolvedConfig config;
  std::vector<ChosenPlugin> plugins;
  std::vector<std::pair<std::string, std::vector<ChosenPlugin>>> evaluation_sources;
  std::vector<MixturePartSetup> mixture;  // of these the sources that `plugins` does not name stand in job.plugins too
};

/// Whether the plugin files are held against the lock beside the config (commands/plugins_lock.h): needless where nothing of them runs.
enum class LockUse { kVerified, kIgnored };

/// The config file of the request (or the default job), environment, overrides and flags. Throws Error(kConfig, kPlugin).
Job load_job(const Request& request, LockUse lock_use = LockUse::kVerified);
/// The same for the job that an existing run folder holds (its config.toml).
Job load_run_job(const Request& request, const std::filesystem::path& folder);

/// Layers only: what `config show` starts from.
ConfigTree load_tree(const Request& request);
/// The plugins that the search path and the tree's plugin_path hold.
PluginCatalog load_catalog(const ConfigTree& tree);

/// A session over the job: folder-dependent values filled in. `may_restore`: go on from checkpoints.
SessionSetup make_setup(const Job& job, const std::filesystem::path& folder, const std::string& run_id);

/// Leaves only what evaluation and sampling need.
void keep_evaluation_only(SessionSetup& setup);

/// Folder for what outlives runs: TRAINHOST_CACHE, XDG_CACHE_HOME/trainhost or ~/.cache/trainhost.
std::filesystem::path cache_folder();

}  // namespace trainhost
