// Reading one checkpoint back, every byte checked.
#pragma once
#include "checkpoint/folders.h"
#include "checkpoint/store.h"

namespace trainhost {

/// The checkpoint cannot be used, and why.
class DamagedCheckpoint : public std::runtime_error {
 public:
  explicit DamagedCheckpoint(CheckpointDamage damage);
  const CheckpointDamage& damage() const { return damage_; }

 private:
  CheckpointDamage damage_;
};

/// Throws DamagedCheckpoint for what is missing or wrong; PluginCallError when the place cannot be read at all, which says nothing about the checkpoint.
LoadedCheckpoint load_folder(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder, LoadScope scope, unsigned num_threads);

/// Throws DamagedCheckpoint, PluginCallError.
CommitRecord load_commit(ObjectStore& objects, const std::string& prefix, const CheckpointFolder& folder);

}  // namespace trainhost
