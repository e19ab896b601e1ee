// A program of a bundle: the exported graph, ready to run, and what its inputs and outputs are.
#pragma once

#include <string>
#include <vector>

#include "arguments.h"
#include "plan.h"

namespace pt2 {

struct ProgramInput {
  enum class Kind { kParameter, kBuffer, kConstant, kField } kind;
  std::string name;  // of the model's parameter or buffer, of the constant, of the value in the graph
};

struct Program {
  Plan plan;
  std::vector<ProgramInput> inputs;  // input i is slot i of the plan
};

// From the serialised form of torch.export, schema 8. Throws PluginError: UNIMPLEMENTED for an operator, an object or a construct that this process
// does not have (with the place in the user's model), INVALID_ARGUMENT for what no exporter writes.
Program read_program(const Json& document, const Target& target);

// The lines of the user's model in a node's metadata: "model.py:12, in forward: x = self.fc(x)". Empty without them.
std::string source_of(const Json& metadata);
// The name of the module that a node belongs to, such as "blocks.0.fc". Empty for the model itself.
std::string module_of(const Json& metadata);
BlockOfNode block_of(const Json& metadata);

}  // namespace pt2
