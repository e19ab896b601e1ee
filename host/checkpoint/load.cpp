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

uint64_t padded(uint64_t bytes) { return (bytes + Buffer::kAlignment - 1) / Buffer::kAlignment * Buffer::kAlignment; }

/// Into one block, which may become the memory that later copies of the state go to.
void load_tensors(CheckpointReader& reader, const Manifest& manifest, LoadScope scope, LoadedCheckpoint& loaded) {
  struct Part {
    std::string_view name;
    std::vector<TensorView>& tensors;
    bool is_finite;
  };
  std::vector<Part> parts{{kWeightsObject, loaded.weights, true}, {kOptimizerObject, loaded.optimizer, true}, {kEngineObject, loaded.engine, false}};
  while (scope == LoadScope::kWeights && parts.size() > 1) parts.pop_back();
  uint64_t bytes = 0;
  for (const Part& part : parts) bytes += padded(manifest.object(part.name).bytes);
  std::span<std::byte> rest = loaded.buffers.emplace_back(bytes).span();
  for (const Part& part : parts) {
    const uint64_t size = manifest.object(part.name).bytes;
    part.tensors = reader.tensors(manifest, part.name, rest.first(size));
    if (part.is_finite) reader.require_finite(part.name, part.tensors);
    rest = rest.subspan(padded(size));
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
  load_tensors(reader, manifest, scope, loaded);
  return loaded;
}

}  // namespace trainhost
