// Checkpoints of another run.
#pragma once
#include <span>
#include <string>

#include "checkpoint/store.h"
#include "loop/run_plugins.h"

namespace trainhost {

/// The checkpoint that the URI names, else the newest verified one there, read through a backend of its own: what this run saves goes to its own place.
/// `backends` may hold plugins of other kinds; the first that serves the scheme is taken. `asked_by` is for messages: "--resume URI".
/// Throws Error(kConfig, kPlugin, kCheckpointUnreadable).
LoadedCheckpoint load_of_other_run(const std::string& uri, std::span<const ChosenPlugin> backends, const RunFacts& facts, CallMeter* meter, LoadScope scope,
                                   const std::string& asked_by);

/// Says that a checkpoint was passed over.
void warn_of_damage(const CheckpointDamage& damage);

}  // namespace trainhost
