// Data for models that this check knows nothing of: the field sets that sources of the usual kinds give, and random batches of them.
#pragma once

#include <functional>
#include <memory>

#include "conformance/torch/torch_subject.h"
#include "trainhost/torch/model.h"

namespace trainhost::conformance {

// A model that has been built for some fields.
struct BuiltModel {
  Specimen plugin;
  std::string fields_text;  // "tokens and targets"
  std::vector<Field> fields;
  t2::Model* model = nullptr;
  at::Device device;

  BuiltModel(const Subject& subject, std::string text, std::vector<Field> some_fields);

  t2::Output forward(const t2::Batch& batch, t2::Mode mode) const;
  // Names and bytes of parameters, then of buffers.
  Bytes bytes() const;
};

// Builds the model for each usual field set that it takes, one after another, and asks. Parameters require gradients as the engine would say. Skips the
// question when it takes none.
void for_each_field_set(const Subject& subject, at::ScalarType default_dtype, std::uint64_t seed, const std::function<void(BuiltModel&)>& ask);

// Random samples. Of integer targets about one in five is the field's pad value, which does not count.
t2::Batch random_batch(const BuiltModel& built, std::int64_t num_samples, std::mt19937_64& random);

// Samples [begin, end) of a batch.
t2::Batch part_of(const t2::Batch& batch, std::int64_t begin, std::int64_t end);

}  // namespace trainhost::conformance
