// All shards of a data set as numbered samples.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fields.h"
#include "files/file_list.h"
#include "files/fingerprint.h"
#include "files/split.h"
#include "frame_cache.h"
#include "index_store.h"
#include "files/ranged_file.h"
#include "read_ahead.h"
#include "remote/data_files.h"
#include "shard_index.h"

namespace trainhost::tarshards {

struct ShardOptions {
  std::vector<std::string> files, dali_indexes;
  std::filesystem::path index_folder, cache_folder;
  bool skips_faults = false;
};

/// Where the content of one field of one sample stands.
struct Place {
  uint64_t offset = 0, size = 0;
};

/// The samples that have all fields, in the order of the shards and, in them, of the archives. What is wrong with a shard is an error when it is opened, or, where
/// faults are skipped, counted.
class ShardSet {
 public:
  /// Indexes all shards, on several threads. `data` outlives it. Throws PluginError: what listing and opening files throws; DATA_LOSS with shard, offset and member for the first fault and for a
  /// sample without a member that a field wants; FAILED_PRECONDITION when no sample is left.
  ShardSet(const ShardOptions& options, std::span<const MemberField> fields, const Split& split, remote::DataFiles& data);

  uint64_t num_samples() const { return places_.size() / num_fields_; }
  const std::vector<uint64_t>& block_starts() const { return block_starts_; }  // of shards with samples
  const std::string& shard_of(uint64_t id) const { return shards_[number_of(id)].file->name(); }
  /// Bytes of a sample's shard. Throws what RangedFile::read throws. [any]
  void read(uint64_t id, const Place& place, std::span<std::byte> out);
  std::span<const Place> places_of(uint64_t id) const { return std::span(places_).subspan(id * num_fields_, num_fields_); }
  void add_to(Fingerprint& fingerprint) const;
  std::string summary() const;
  /// What the user should know: faults that were skipped, archives that may be cut, indexes that could not be kept.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  struct Shard {
    std::string name;  // without the folder that all shards share
    std::unique_ptr<RangedFile> file;
    std::string content;  // a hash of its index
    ReadAhead ahead;
  };
  struct Counts {
    uint64_t samples = 0, incomplete = 0, bytes = 0;
  };
  /// What one shard adds.
  struct Taken {
    std::vector<Place> places;
    Counts counts;
    std::vector<std::string> warnings;
  };

  std::unique_ptr<RangedFile> open(remote::DataFiles& data, const std::filesystem::path& path, bool is_kept_open);
  static ShardIndex index_of(const IndexStore& store, const std::filesystem::path& path, const std::filesystem::path& dali_index, const RangedFile& file,
                             std::vector<std::string>& warnings);
  static void check_faults(const ShardIndex& index, const ShardOptions& options, const RangedFile& file, std::vector<std::string>& warnings);
  static void take(const ShardIndex& index, const ShardOptions& options, std::span<const MemberField> fields, const Split& split, const RangedFile& file, Taken& out);
  void append(size_t shard_number, Taken taken);
  size_t number_of(uint64_t id) const;
  void begin_read_ahead();
  void check_not_empty(const ShardOptions& options);

  size_t num_fields_;
  FrameCache frames_;  // the shards use it
  std::vector<Shard> shards_;
  std::vector<Place> places_;         // of all fields of a sample, one sample behind the other
  std::vector<uint64_t> block_starts_;
  std::vector<size_t> block_shards_;  // the shard of each block
  Counts counts_;
  std::vector<std::string> warnings_;
};

}  // namespace trainhost::tarshards
