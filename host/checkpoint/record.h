// The small texts of a checkpoint: its id, manifest and records. One checkpoint is a folder of objects,
//   step-000000000400-a000002-n000003/   attempt 2's third save, at step 400
//     weights.safetensors    weights and buffers under their own names
//     optimizer.safetensors  slots of the optimizer
//     engine.safetensors     generators, loss scale, counters
//     plugins.safetensors    state of each plugin: bytes under "kind/name"
//     run_state.json         progress of the loop, undelivered rows, sampler position
//     manifest.json          sizes and a CRC32C of every block of the objects above
//     commit                 made with create() when all of these are durable: size and CRC32C of the manifest
//     verified               made with create() when everything was read back and found right
//     good                   made with create() when enough healthy windows followed
// and attempts/000002 beside it, made with create() by the process that claimed the number; it names the checkpoint that this process went on from.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace trainhost {

inline constexpr std::string_view kWeightsObject = "weights.safetensors", kOptimizerObject = "optimizer.safetensors", kEngineObject = "engine.safetensors",
                                  kPluginsObject = "plugins.safetensors", kRunStateObject = "run_state.json", kManifestObject = "manifest.json",
                                  kCommitObject = "commit", kVerifiedObject = "verified", kGoodObject = "good", kAttemptsFolder = "attempts/";

/// A text is not what it should be; the message has no file name.
class RecordError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The text is of a format that only a newer program knows.
class NewerFormat : public RecordError {
 public:
  using RecordError::RecordError;
};

struct CheckpointId {
  uint64_t step = 0, attempt = 0, save = 0;
  std::string text() const;
  static std::optional<CheckpointId> parse(std::string_view text);
  /// Whether the checkpoint is the older one; a step may come twice, (attempt, save) does not.
  bool is_older_than(const CheckpointId& other) const { return attempt != other.attempt ? attempt < other.attempt : save < other.save; }
};

/// A URI that may name one checkpoint of a store, as in "s3://bucket/run/step-...-n000003".
struct CheckpointUri {
  std::string store;
  std::optional<CheckpointId> id;
};
CheckpointUri split_checkpoint_uri(const std::string& uri);

struct ObjectRecord {
  std::string name;
  uint64_t bytes = 0;
  uint64_t header_bytes = 0;  // of safetensors, else 0
  uint32_t header_crc32c = 0;
  std::vector<uint32_t> block_crc32c;
};

struct PluginVersion {
  std::string name, version;
};

struct Manifest {
  static constexpr uint64_t kFormat = 1;
  std::string run_id, trajectory_hash;
  uint64_t window = 0;
  uint64_t block_bytes = 0;
  std::vector<ObjectRecord> objects;
  std::vector<PluginVersion> plugins;

  std::string text() const;
  static Manifest parse(std::string_view text);  // throws RecordError
  const ObjectRecord& object(std::string_view name) const;  // throws RecordError
};

struct CommitRecord {
  std::string id;
  uint64_t window = 0, manifest_bytes = 0;
  uint32_t manifest_crc32c = 0;
  int64_t unix_ms = 0;
  std::map<std::string, double> evaluation;

  std::string text() const;
  static CommitRecord parse(std::string_view text);  // throws RecordError
};

/// The id that a mark, `verified` or `good`, was made for. Throws RecordError.
std::string marked_id(std::string_view text);

/// One line of JSON and its CRC32C in a second line, so that a record vouches for itself.
std::string seal(std::string_view line);
/// The line. Throws RecordError unless the text is exactly what seal() makes.
std::string_view unseal(std::string_view text);

}  // namespace trainhost
