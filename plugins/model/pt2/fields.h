// The fields of a batch as inputs of the programs: found by name, held against what was exported, brought into its number formats.
#pragma once

#include <trainhost/torch/types.h>

#include <span>
#include <vector>

#include "manifest.h"

namespace pt2 {

namespace t2 = trainhost::t2;

class Fields {
 public:
  // `source`: what the data has. Throws PluginError when it cannot feed the model. `manifest` outlives this object.
  Fields(const Manifest& manifest, std::span<const trainhost::Field> source, at::Device device);

  struct Inputs {
    std::vector<at::Tensor> tensors;  // in the order of the programs' inputs
    at::Tensor stray;                 // undefined, or 0-dim bool on the device: a value out of range was met, and replaced
  };
  // Throws PluginError for a batch that was not exported for: sizes, and on the CPU values too. Waits for nothing.
  Inputs take(const t2::Batch& batch) const;

  // Things that the user should know, once.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  struct Feed {
    size_t place = 0;  // in the batch
    bool is_cast = false, is_pad_mapped = false, is_checked = false;
    double pad_value = 0;  // of the source
  };

  Feed feed_of(const FieldFacts& wanted, std::span<const trainhost::Field> source);
  void check_shape(const FieldFacts& wanted, const trainhost::Field& field) const;
  void check_classes(const FieldFacts& wanted, const trainhost::Field& field, Feed& feed);
  void check_sizes(const t2::Batch& batch) const;
  at::Tensor prepared(const FieldFacts& wanted, const Feed& feed, at::Tensor tensor, at::Tensor& stray) const;

  const Manifest& manifest_;
  at::Device device_;
  std::vector<Feed> feeds_;
  std::vector<std::string> warnings_;
};

}  // namespace pt2
