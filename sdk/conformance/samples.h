// Samples read out of a data source, held against what its fields promise.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "conformance/specimen.h"
#include "trainhost/data_source.h"

namespace trainhost::conformance {

// The answer of info, checked as far as reading relies on it.
trainhost_source_info info_of(const Specimen& source);

std::string shape_text(const std::vector<std::int64_t>& shape);

// The bytes of one sample, field after field, each with its shape in front.
using SampleText = std::string;

struct ReadOptions {
  std::uint64_t key_offset = 0;         // random keys are id + key_offset
  std::uint64_t fails_at = UINT64_MAX;  // the reserve call that fails, counted from 0, with RESOURCE_EXHAUSTED
};

struct Reading {
  Said said;
  std::vector<SampleText> samples;           // whole only when it is OK
  std::vector<std::vector<double>> targets;  // of each sample: the values of its target fields, for those that count
};

// Fails the question for a shape, an index or a write that the fields do not allow. Several threads at once.
Reading try_read(const Specimen& source, const std::vector<std::uint64_t>& ids, ReadOptions options = {});
// The same for a read that has to work.
std::vector<SampleText> read(const Specimen& source, const std::vector<std::uint64_t>& ids);

}  // namespace trainhost::conformance
