// Words and sizes of copies.
#include "checkpoint/copies.h"

#include "base/log.h"

namespace trainhost {

CheckpointFolder of_any_size(CheckpointFolder folder) {
  for (auto& [name, size] : folder.sizes) size = 0;
  return folder;
}

void warn_of_unreadable_copy(const CheckpointFolder& folder, const std::string& why) {
  log_warning("checkpoint {}: another copy of it cannot be read: {}", folder.id.text(), why);
}

void warn_of_other_copy(const DamagedCheckpoint& damage) { log_warning("checkpoint {}; read from another place, where it is whole", damage.what()); }

}  // namespace trainhost
