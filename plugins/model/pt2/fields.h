// The fields of a batch as inputs of the programs: found by name, held against what was exported, brought into its number formats.
#pragma once

#include <trainhost/torch/types.h>
#include <trainhost/torch/value_limits.h>

#include <span>
#include <vector>

#include "manifest.h"

namespace pt2 {

namespace t2 = trainhost::t2;

class Fields {
 public:
  // `source`: what the data has. Throws PluginError when it cannot feed the model. `manifest` outlives this object.
  Fields(const Manifest& manifest, std::span<const trainhost::Field> source);

  // In the order of the programs' inputs. Throws PluginError for a batch that was not exported for: names, number formats, sizes. Waits for nothing; values are
  // the host's to check, see limits().
  std::vector<at::Tensor> take(const t2::Batch& batch) const;

  std::vector<t2::ValueLimit> limits() const;

 private:
  struct Feed {
    size_t place = 0;  // in the batch
    at::ScalarType dtype = at::kFloat;  // of the source
    bool is_pad_mapped = false;
    double pad_value = 0;  // of the source
  };

  Feed feed_of(const FieldFacts& wanted, std::span<const trainhost::Field> source);
  void check_shape(const FieldFacts& wanted, const trainhost::Field& field) const;
  void check_classes(const FieldFacts& wanted, const trainhost::Field& field, Feed& feed) const;
  void check_batch(const t2::Batch& batch) const;

  const Manifest& manifest_;
  std::vector<Feed> feeds_;
};

}  // namespace pt2
