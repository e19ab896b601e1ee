// Instances by kind.
#include "loop/run_plugins.h"

#include <algorithm>

namespace trainhost {

RunPlugins::RunPlugins(std::span<const ChosenPlugin> chosen, CallMeter* meter, PluginReports* reports) {
  for (const ChosenPlugin& plugin : chosen) create(plugin, meter, reports);
}

RunPlugins::~RunPlugins() {
  while (!instances_.empty()) instances_.pop_back();
}

void RunPlugins::create(const ChosenPlugin& plugin, CallMeter* meter, PluginReports* reports) {
  std::vector<Instance*>& outermost = outermost_[plugin.record.kind];
  const size_t num_upstreams = plugin.record.decorates;
  if (outermost.size() < num_upstreams)
    throw Error(ExitCode::kConfig, format("{}: wraps {} plugins of its kind, {} are chosen; add what it shall wrap to `plugins`", plugin.record.full_name(), num_upstreams, outermost.size()));
  InstanceServices services;
  services.meter = meter;
  services.reports = reports;
  services.upstreams.assign(outermost.end() - static_cast<std::ptrdiff_t>(num_upstreams), outermost.end());
  instances_.push_back(Instance::create(plugin.record, plugin.config.dump(), services));
  outermost.resize(outermost.size() - num_upstreams);
  outermost.push_back(instances_.back().get());
}

Instance& RunPlugins::one(std::string_view kind) const {
  const auto found = outermost_.find(kind);
  if (found == outermost_.end() || found->second.empty()) throw Error(ExitCode::kPlugin, format("plugins: no {} is chosen; `trainhost plugins list` shows what is installed", kind));
  return *found->second.back();
}

std::vector<Instance*> RunPlugins::all(std::string_view kind) const {
  const auto found = outermost_.find(kind);
  return found == outermost_.end() ? std::vector<Instance*>{} : found->second;
}

std::vector<Instance*> RunPlugins::instances() const {
  std::vector<Instance*> all;
  for (const auto& instance : instances_) all.push_back(instance.get());
  return all;
}

void RunPlugins::start(const RunFacts& facts, std::string_view kind) {
  for (const auto& instance : instances_)
    if (!instance->is_started() && (kind.empty() || instance->record().kind == kind)) instance->start(facts);
}

}  // namespace trainhost
