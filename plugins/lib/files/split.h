// Which samples are held out: by a hash of what they are called, so that the choice is the same on every machine and new data moves nothing of the old.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace trainhost {

/// FNV-1a, finished by splitmix64; with an index, splitmix64's next numbers. Independent of the standard library and the machine, unlike std::hash.
uint64_t stable_hash(std::string_view name);
uint64_t stable_hash(std::string_view name, uint64_t index);

/// The keys `split` and `heldout_fraction` of a source. What is hashed is a name that does not say where the data lies: a path relative to the list's common
/// folder (ListedFile::name), a member of an archive, and an index in it.
class Split {
 public:
  /// `name`: train, heldout or all. Throws PluginError INVALID_ARGUMENT for another.
  Split(std::string_view name, double heldout_fraction);

  bool takes(uint64_t hash) const { return is_all_ || is_heldout(hash) == is_heldout_; }
  /// Whether `takes` says yes to everything.
  bool takes_all() const { return is_all_ || heldout_fraction_ == (is_heldout_ ? 1 : 0); }
  /// For messages and fingerprints: `split "heldout" with heldout_fraction 0.1`.
  std::string text() const;

 private:
  bool is_heldout(uint64_t hash) const { return static_cast<double>(hash >> 11) * 0x1p-53 < heldout_fraction_; }  // the hash as a number in [0, 1)

  bool is_all_, is_heldout_;
  double heldout_fraction_;
};

}  // namespace trainhost
