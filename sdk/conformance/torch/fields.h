// Data for models that this check knows nothing of: the field sets that their authors state or that usual sources give, and random batches of them.
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

// Builds the model for each field set that its author has stated, else for each usual one that it takes, one after another, and asks. Parameters require
// gradients as the engine would say. Fails the question when it refuses a stated one, or takes no usual one: a model that nobody can ask is not checked.
// Where float64 is asked for and it takes a set in float32 only, the question is skipped once the other sets are asked.
void for_each_field_set(const Subject& subject, at::ScalarType default_dtype, std::uint64_t seed, const std::function<void(BuiltModel&)>& ask);

// Fails the question for a model that was built for float64 but has narrower weights, or sums narrower: half of its digits would be guessed.
void require_float64(const BuiltModel& built, const at::Tensor& loss_sum);

// Random samples. Of targets with classes about one in five is the field's pad value, which does not count.
t2::Batch random_batch(const BuiltModel& built, std::int64_t num_samples, std::mt19937_64& random);

// Samples [begin, end) of a batch.
t2::Batch part_of(const t2::Batch& batch, std::int64_t begin, std::int64_t end);

}  // namespace trainhost::conformance
