// How many targets samples have, known before they are read.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plugin/data_source.h"

namespace trainhost {

/// Targets = elements of the target fields; a source without target fields counts one a sample.
class TargetBound {
 public:
  /// Throws Error(kData) when nothing bounds a sample: a varying target axis without max_shape, and no trainhost.data_lengths/1.
  TargetBound(const SampleSource& source, const std::string& set_name);

  /// Upper bound of the targets of these samples. [io]
  uint64_t sum(std::span<const uint64_t> ids) const;

  /// The same for every sample, if it is so by the declared shapes.
  std::optional<uint64_t> per_sample() const { return has_fixed_shapes_ ? std::optional(most_) : std::nullopt; }

  /// Targets of each sample. Throws Error(kConfig) when they are not known without reading. [io]
  std::vector<uint64_t> each(std::span<const uint64_t> ids) const;

 private:
  const SampleSource& source_;
  std::string place_;  // "data set train: data_source/textfiles"
  bool has_fixed_shapes_ = true;
  uint64_t most_ = 0;  // of any sample; 0 when not has_fixed_shapes_ and nothing bounds it
};

}  // namespace trainhost
