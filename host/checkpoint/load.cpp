// Everything that a resume needs, out of one folder.
#include "checkpoint/load.h"

#include <algorithm>

namespace trainhost {
namespace {

void load_plugins(CheckpointReader& reader, const Manifest& manifest, LoadedCheckpoint& loaded) {
  std::vector<Buffer> buffers;
  const std::vector<TensorView> states = reader.tensors(manifest, kPluginsObject, buffers);
  for (const PluginVersion& plugin : manifest.plugins) {
    const auto found = std::find_if(states.begin(), states.end(), [&](const TensorView& state) { return state.name == plugin.name; });
    if (found == states.end()) reader.fail("header", kPluginsObject, format("state of {} is missing", plugin.name));
    loaded.plugin_states.push_back({plugin.name, plugin.version, std::string(reinterpret_cast<const char*>(found->data), found->bytes)});
  }
}

}  // namespace

LoadedCheckpoint load_folder(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, LoadScope scope, unsigned num_threads) {
  CheckpointReader reader(objects, prefix, folder, num_threads);
  const CommitRecord commit = reader.commit();
  const Manifest manifest = reader.manifest(commit);
  LoadedCheckpoint loaded;
  loaded.info = {folder.id.text(), commit.window, folder.id.step, folder.id.attempt, folder.id.save, true, folder.has(kGoodObject), folder.bytes(), commit.unix_ms, commit.evaluation, {}};
  loaded.run_id = manifest.run_id;
  loaded.trajectory_hash = manifest.trajectory_hash;
  loaded.run_state_json = std::string(reader.object(manifest, kRunStateObject).text());
  load_plugins(reader, manifest, loaded);
  loaded.weights = reader.tensors(manifest, kWeightsObject, loaded.buffers);
  reader.require_finite(kWeightsObject, loaded.weights);
  if (scope == LoadScope::kWeights) return loaded;
  loaded.optimizer = reader.tensors(manifest, kOptimizerObject, loaded.buffers);
  reader.require_finite(kOptimizerObject, loaded.optimizer);
  loaded.engine = reader.tensors(manifest, kEngineObject, loaded.buffers);
  return loaded;
}

}  // namespace trainhost
