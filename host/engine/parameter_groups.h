// Sorts a model's parameters into groups with common settings for the optimizer.
#pragma once
#include <string>
#include <vector>

#include <trainhost/torch/optimizer.h>

#include "engine/engine.h"

namespace trainhost {

struct ParameterGroups {
  std::vector<t2::ParameterGroup> groups;
  std::vector<std::string> labels;  // "decay", "no decay", or the label of a rule, one a group
};

/// Each trainable parameter falls under the first rule whose pattern matches its name, else under none. Weight decay: the rule's; without it the
/// optimizer's own for parameters tagged kDecay, else 0. Throws Error(kConfig) for a rule that matches nothing.
ParameterGroups form_groups(std::span<t2::Parameter> parameters, const std::vector<GroupRule>& rules, double weight_decay);

/// A glob over the whole name: * any run of characters, ? one character.
bool matches_glob(std::string_view pattern, std::string_view name);

/// "decay: 12 tensors, 802816 parameters, weight decay 0.1", one a group.
std::vector<std::string> describe(const ParameterGroups& groups);

}  // namespace trainhost
