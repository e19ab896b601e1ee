// A bundle's model on a device: weights, both programs, and the way from a batch to its loss.
#pragma once

#include <trainhost/torch/types.h>

#include <memory>
#include <span>

#include "bundle.h"
#include "fields.h"
#include "program.h"
#include "weights.h"

namespace pt2 {

class Module {
 public:
  // Throws PluginError, or c10::OutOfMemoryError where the weights do not fit. `recomputes`: training keeps of each block only what goes into it.
  Module(Bundle& bundle, at::Device device, uint64_t seed, bool recomputes = false);

  std::vector<t2::Parameter>& parameters() { return weights_.parameters; }
  std::vector<t2::NamedTensor>& mutated_buffers() { return weights_.mutated; }
  const Weights& weights() const { return weights_; }
  const Program& program(t2::Mode mode) const { return of(mode).program; }

  // Inputs in the order of the manifest's fields, in its number formats.
  t2::Output forward(const std::vector<at::Tensor>& inputs, t2::Mode mode);

 private:
  // Where an input of a program comes from.
  struct Source {
    ProgramInput::Kind kind;
    size_t index = 0;   // of the parameters, of the fields
    at::Tensor tensor;  // buffers and constants
  };
  struct Ready {
    Program program;
    std::vector<Source> sources;
  };

  Ready make_ready(Bundle& bundle, const char* mode, const Json& document, const Target& target) const;
  std::vector<bool> changing_inputs(const Ready& ready) const;
  Source source_of_input(const ProgramInput& input, const std::map<std::string, at::Tensor>& constants, size_t& num_fields) const;
  const Ready& of(t2::Mode mode) const { return mode == t2::Mode::kTrain ? train_ : eval_; }

  std::vector<std::string> metrics_;
  size_t num_fields_;
  Weights weights_;
  Ready train_, eval_;
};

}  // namespace pt2
