// Forms parameter groups from tags and the config's patterns.
#include "engine/parameter_groups.h"

#include <algorithm>

#include "base/error.h"

namespace trainhost {
namespace {

struct Place {
  std::string label;
  double rate_multiplier = 1, weight_decay = 0;
  bool operator==(const Place&) const = default;
};

const GroupRule* rule_for(const std::string& name, const std::vector<GroupRule>& rules) {
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const GroupRule& rule) { return matches_glob(rule.pattern, name); });
  return found == rules.end() ? nullptr : &*found;
}

Place place_of(const t2::Parameter& parameter, const GroupRule* rule, double weight_decay) {
  const double by_tag = parameter.tags & t2::kDecay ? weight_decay : 0.0;
  if (!rule) return {parameter.tags & t2::kDecay ? "decay" : "no decay", 1.0, by_tag};
  return {rule->label, rule->rate_multiplier, rule->weight_decay.value_or(by_tag)};
}

void check_all_used(std::span<t2::Parameter> parameters, const std::vector<GroupRule>& rules) {
  for (const GroupRule& rule : rules) {
    const bool is_used = std::any_of(parameters.begin(), parameters.end(), [&](const t2::Parameter& p) { return rule_for(p.name, rules) == &rule; });
    if (is_used) continue;
    const std::string example = parameters.empty() ? "" : parameters.front().name;
    throw Error(ExitCode::kConfig, format("optimizer.groups.{}: pattern \"{}\" matches no parameter that an earlier group has not taken; names look like {}",
                                          rule.label, rule.pattern, example));
  }
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, after_star = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') star = p++, after_star = n;
    else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) ++p, ++n;
    else if (star != std::string_view::npos) p = star + 1, n = ++after_star;
    else return false;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

ParameterGroups form_groups(std::span<t2::Parameter> parameters, const std::vector<GroupRule>& rules, double weight_decay) {
  check_all_used(parameters, rules);
  ParameterGroups out;
  std::vector<Place> places;
  for (t2::Parameter& parameter : parameters) {
    if (!parameter.is_trainable) continue;
    const Place place = place_of(parameter, rule_for(parameter.name, rules), weight_decay);
    const auto found = std::find(places.begin(), places.end(), place);
    const auto index = static_cast<size_t>(found - places.begin());
    if (found == places.end()) {
      places.push_back(place);
      out.groups.push_back({{}, place.rate_multiplier, place.weight_decay});
      out.labels.push_back(place.label);
    }
    out.groups[index].parameters.push_back(&parameter);
  }
  return out;
}

std::vector<std::string> describe(const ParameterGroups& all) {
  std::vector<std::string> out;
  for (size_t i = 0; i < all.groups.size(); ++i) {
    const t2::ParameterGroup& group = all.groups[i];
    int64_t count = 0;
    for (const t2::Parameter* parameter : group.parameters) count += parameter->compute.numel();
    std::string line = format("{}: {} tensors, {} parameters, weight decay {}", all.labels[i], group.parameters.size(), count, group.weight_decay);
    if (group.rate_multiplier != 1.0) line += format(", rate x{}", group.rate_multiplier);
    out.push_back(std::move(line));
  }
  return out;
}

}  // namespace trainhost
