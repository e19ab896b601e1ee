// One source stays what it is; several become one.
#include "loop/training_source.h"

namespace trainhost {

std::vector<ChosenPlugin> without_parts(std::vector<ChosenPlugin> plugins, std::span<const MixturePartSetup> parts) {
  if (!parts.empty()) std::erase_if(plugins, [](const ChosenPlugin& plugin) { return plugin.record.kind == "data_source"; });
  return plugins;
}

TrainingSource::TrainingSource(const RunPlugins& plugins, std::span<const MixturePartSetup> parts, CallMeter* meter, PluginReports* reports) : plugins_(plugins) {
  for (const MixturePartSetup& part : parts) {
    parts_.push_back({part.name, part.weight, nullptr});
    part_plugins_.push_back(std::make_unique<RunPlugins>(part.plugins, meter, reports));
  }
}

void TrainingSource::start(const RunFacts& facts) {
  for (const auto& plugins : part_plugins_) plugins->start(facts);
}

void TrainingSource::open() {
  if (parts_.empty()) sources_.push_back(std::make_unique<DataSource>(plugins_.one("data_source")));
  for (const auto& plugins : part_plugins_) sources_.push_back(std::make_unique<DataSource>(plugins->one("data_source")));
  for (const auto& source : sources_) source->info();
  for (size_t i = 0; i < parts_.size(); ++i) parts_[i].source = sources_[i].get();
  if (!parts_.empty()) mixture_.emplace(parts_);
}

const SampleSource& TrainingSource::samples() const {
  if (mixture_) return *mixture_;
  return *sources_.front();
}

void TrainingSource::limit_values(std::span<const ValueLimit> limits) {
  for (const auto& source : sources_) source->limit_values(limits);
  if (mixture_) mixture_->take_fields();
}

const DataSource* TrainingSource::text() const {
  for (const auto& source : sources_)
    if (source->has_text()) return source.get();
  return nullptr;
}

std::vector<Instance*> TrainingSource::part_instances() const {
  std::vector<Instance*> all;
  for (const auto& plugins : part_plugins_)
    for (Instance* instance : plugins->instances()) all.push_back(instance);
  return all;
}

}  // namespace trainhost
