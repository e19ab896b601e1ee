// What stands where in one shard: its members, grouped into samples by the rules of WebDataset.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "files/ranged_file.h"

namespace trainhost::tarshards {

struct IndexedMember {
  uint32_t extension = 0;         // in ShardIndex::extensions
  uint64_t offset = 0, size = 0;  // of the content
};

struct IndexedSample {
  std::string key;
  std::vector<IndexedMember> members;
};

/// Something that is wrong with the shard. What it spoils is not among the samples.
struct Fault {
  uint64_t offset = 0;
  std::string words;
};

struct ShardIndex {
  std::vector<std::string> extensions;  // in the order of their first use
  std::vector<IndexedSample> samples;   // in the order of the archive
  std::vector<Fault> faults;            // the first kMostFaults
  uint64_t num_faults = 0;
  bool has_end_mark = true;

  static constexpr size_t kMostFaults = 100;
  void add_fault(uint64_t offset, std::string words);
};

/// The key is everything before the first dot of the last part of the path, the extension what is behind it, in lower case. Nothing for a name without a dot,
/// or whose last part begins with one.
std::optional<std::pair<std::string, std::string>> key_and_extension(std::string_view name);

/// Puts members together. A sample is members of one key, one behind the other. A key that comes again and an extension that comes twice are faults.
class SampleGrouping {
 public:
  explicit SampleGrouping(ShardIndex& index) : index_(index) {}
  /// `name`: of a regular file. Metadata ("__name__/...") and names without a key are passed over.
  void add(const std::string& name, uint64_t offset, uint64_t size);
  /// The archive ends here.
  void finish() { close(true); }
  /// The archive is damaged from here on: the sample that was begun may lack members, and is left out.
  void finish_damaged() { close(false); }

 private:
  void open(std::string key, uint64_t offset, const std::string& name);
  void close(bool is_whole);
  uint32_t number_of(const std::string& extension);
  bool is_new(const std::string& key);

  ShardIndex& index_;
  IndexedSample sample_;
  bool is_open_ = false, is_sound_ = true;
  uint64_t opened_ = 0;                                 // samples so far
  std::unordered_map<std::string, uint32_t> numbers_;   // of the extensions
  std::vector<uint64_t> last_opened_;                   // for each extension: opened_ when it came last
  std::unordered_set<uint64_t> seen_;  // hashes of the keys: of 64 bits, so that two keys of a shard do not share one
};

/// Walks through all headers. Damage becomes a fault, behind which nothing is read. Throws what reading the file throws.
ShardIndex scan_shard(const RangedFile& file);

}  // namespace trainhost::tarshards
