// A backend for the one reading.
#include "loop/other_run.h"

#include <algorithm>
#include <thread>

#include "base/log.h"
#include "checkpoint/record.h"
#include "plugin/checkpoint_backend.h"

namespace trainhost {

constexpr unsigned kMostThreads = 8;  // a disk needs no more of them

void warn_of_damage(const CheckpointDamage& damage) {
  log_warning("checkpoint {}: damaged in its {} ({}): {}; using an older one", damage.id, damage.region, damage.object, damage.reason);
}

LoadedCheckpoint load_of_other_run(const std::string& uri, std::span<const ChosenPlugin> backends, const RunFacts& facts, CallMeter* meter, LoadScope scope,
                                   const std::string& asked_by) {
  const std::string scheme = uri.substr(0, uri.find(':'));
  const auto backend = std::find_if(backends.begin(), backends.end(), [&](const ChosenPlugin& plugin) {
    const auto& schemes = plugin.record.schemes;
    return plugin.record.kind == "checkpoint_backend" && plugin.record.decorates == 0 && std::find(schemes.begin(), schemes.end(), scheme) != schemes.end();
  });
  if (backend == backends.end())
    throw Error(ExitCode::kConfig, format("{}: no checkpoint backend handles the scheme \"{}\"; choose one that does (`trainhost plugins list`), or another URI", asked_by, scheme));
  ChosenPlugin reader = *backend;
  const CheckpointUri parts = split_checkpoint_uri(uri);
  reader.config["uri"] = parts.store;
  RunPlugins readers({&reader, 1}, meter);
  readers.start(facts);
  const CheckpointBackend place(readers.one("checkpoint_backend"));
  const auto objects = make_object_store(place);
  StoreOptions options;
  options.load_threads = std::clamp(std::thread::hardware_concurrency() / 2, 2u, kMostThreads);
  CheckpointStore store(*objects, options);
  auto loaded = parts.id ? std::optional(store.load(parts.id->text(), scope)) : store.load_newest_verified(warn_of_damage, scope);
  if (!loaded)
    throw Error(ExitCode::kCheckpointUnreadable, format("{}: no checkpoint lies there; give the place that holds a run's checkpoints, such as file:runs/NAME/checkpoints", asked_by));
  return std::move(*loaded);
}

}  // namespace trainhost
