// The chain of trust: commit record -> manifest -> blocks -> safetensors header -> finite values.
#include "checkpoint/load.h"

#include <algorithm>
#include <type_traits>

#include "base/crc32c.h"
#include "checkpoint/transfer.h"

namespace trainhost {
namespace {

/// One checkpoint being read; names the region in which a failure lies.
class Reader {
 public:
  Reader(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, unsigned num_threads)
      : objects_(objects), folder_(folder), place_(prefix + folder.id.text() + "/"), num_threads_(num_threads) {}

  CommitRecord commit() {
    return in("commit", kCommitObject, [&] {
      CommitRecord record = CommitRecord::parse(read_small(objects_, place_ + std::string(kCommitObject), uint64_t{1} << 20));
      if (record.id != folder_.id.text()) throw RecordError(format("belongs to {}", record.id));
      return record;
    });
  }

  Manifest manifest(const CommitRecord& commit) {
    return in("manifest", kManifestObject, [&] {
      check_size(kManifestObject, commit.manifest_bytes);
      const std::string text = read_small(objects_, place_ + std::string(kManifestObject), commit.manifest_bytes);
      if (text.size() != commit.manifest_bytes) throw RecordError(format("has {} bytes, the commit record wants {}", text.size(), commit.manifest_bytes));
      if (crc32c(text.data(), text.size()) != commit.manifest_crc32c) throw RecordError("does not match the checksum in the commit record");
      return Manifest::parse(text);
    });
  }

  Buffer object(const Manifest& manifest, std::string_view name) {
    return in("data", name, [&] {
      const ObjectRecord& record = manifest.object(name);
      check_size(name, record.bytes);
      return read_object(objects_, place_, record, {manifest.block_bytes, num_threads_});
    });
  }

  /// The tensors of the object; its bytes go to `buffers`.
  std::vector<TensorView> tensors(const Manifest& manifest, std::string_view name, std::vector<Buffer>& buffers) {
    buffers.push_back(object(manifest, name));
    return in("header", name, [&] { return read_safetensors(buffers.back().span()).tensors; });
  }

  void require_finite(std::string_view name, std::span<const TensorView> tensors) {
    if (const std::string found = first_non_finite(tensors); !found.empty()) fail("data", name, found);
  }

  [[noreturn]] void fail(const std::string& region, std::string_view object, const std::string& reason) {
    throw DamagedCheckpoint({folder_.id.text(), region, std::string(object), reason});
  }

 private:
  /// Runs `read`; what it throws about content becomes DamagedCheckpoint.
  template <class Read>
  std::invoke_result_t<Read> in(const std::string& region, std::string_view name, const Read& read) {
    try {
      return read();
    } catch (const ObjectDamage& error) {
      fail(error.is_in_header() ? "header" : region, name, error.what());
    } catch (const RecordError& error) {
      fail(region, name, error.what());
    } catch (const SafetensorsError& error) {
      fail(region, name, error.what());
    } catch (const PluginCallError& error) {
      if (error.status() == TRAINHOST_NOT_FOUND) fail(region, name, "is missing");
      if (error.status() == TRAINHOST_DATA_LOSS || error.status() == TRAINHOST_OUT_OF_RANGE) fail(region, name, error.what());
      throw;
    }
  }

  void check_size(std::string_view name, uint64_t wanted) {
    const auto found = folder_.sizes.find(name);
    if (found == folder_.sizes.end()) throw RecordError("is missing");
    // A shorter object goes on to be read, so that the place of the damage is known.
    if (found->second > wanted) throw RecordError(format("has {} bytes, wanted {}", found->second, wanted));
  }

  ObjectStore& objects_;
  const CheckpointFolder& folder_;
  std::string place_;
  unsigned num_threads_;
};

void load_plugins(Reader& reader, const Manifest& manifest, LoadedCheckpoint& loaded) {
  std::vector<Buffer> buffers;
  const std::vector<TensorView> states = reader.tensors(manifest, kPluginsObject, buffers);
  for (const PluginVersion& plugin : manifest.plugins) {
    const auto found = std::find_if(states.begin(), states.end(), [&](const TensorView& state) { return state.name == plugin.name; });
    if (found == states.end()) reader.fail("header", kPluginsObject, format("state of {} is missing", plugin.name));
    loaded.plugin_states.push_back({plugin.name, plugin.version, std::string(reinterpret_cast<const char*>(found->data), found->bytes)});
  }
}

}  // namespace

DamagedCheckpoint::DamagedCheckpoint(CheckpointDamage damage)
    : std::runtime_error(format("{}: {}: {}: {}", damage.id, damage.region, damage.object, damage.reason)), damage_(std::move(damage)) {}

CommitRecord load_commit(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder) { return Reader(objects, prefix, folder, 1).commit(); }

LoadedCheckpoint load_folder(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, LoadScope scope, unsigned num_threads) {
  Reader reader(objects, prefix, folder, num_threads);
  const CommitRecord commit = reader.commit();
  const Manifest manifest = reader.manifest(commit);
  LoadedCheckpoint loaded;
  loaded.info = {folder.id.text(), commit.window, folder.id.step, folder.id.attempt, folder.id.save, true, folder.has(kGoodObject), folder.bytes(), commit.unix_ms, commit.evaluation};
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
