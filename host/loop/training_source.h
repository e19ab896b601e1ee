// The training set of a run: its data source, or the parts of a mixture.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/mixture_source.h"
#include "loop/run_plugins.h"
#include "plugin/data_source.h"

namespace trainhost {

/// [data.mixture.<name>]: its source and decorators.
struct MixturePartSetup {
  std::string name;
  double weight = 1;
  std::vector<ChosenPlugin> plugins;
};

/// `plugins` without the data sources that the parts of a mixture, if there are any, have on their own.
std::vector<ChosenPlugin> without_parts(std::vector<ChosenPlugin> plugins, std::span<const MixturePartSetup> parts);

class TrainingSource {
 public:
  /// Creates the parts' plugins, starts nothing. Without parts the source is that of `plugins`, which outlives this object. [main]
  TrainingSource(const RunPlugins& plugins, std::span<const MixturePartSetup> parts, CallMeter* meter, PluginReports* reports = nullptr);

  /// Starts the parts' plugins.
  void start(const RunFacts& facts);
  /// Once all is started. Throws Error(kData) for parts whose fields differ. [main]
  void open();

  /// The functions below after open().
  const SampleSource& samples() const;
  void limit_values(std::span<const ValueLimit> limits);
  /// The source that translates text: of a mixture the first part that does; null: none.
  const DataSource* text() const;
  /// Plugins of the parts.
  std::vector<Instance*> part_instances() const;

 private:
  const RunPlugins& plugins_;
  std::vector<MixtureSource::Part> parts_;  // their sources are known once opened
  std::vector<std::unique_ptr<RunPlugins>> part_plugins_;
  std::vector<std::unique_ptr<DataSource>> sources_;  // the one, or one a part
  std::optional<MixtureSource> mixture_;
};

}  // namespace trainhost
