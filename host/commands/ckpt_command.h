// `trainhost ckpt`: what people ask of checkpoints, without the run.
#pragma once
#include <string>
#include <vector>

#include "base/error.h"
#include "checkpoint/copies.h"
#include "checkpoint/store.h"
#include "commands/ckpt_place.h"
#include "commands/command_line.h"
#include "telemetry/transfer_line.h"

namespace trainhost {

/// "list", "inspect", ... in the order of the help.
const std::vector<std::string>& ckpt_verbs();

ExitCode ckpt_command(const Request& request);

/// One file each. `place` is opened; words are those behind the verb.
ExitCode ckpt_list(const Request& request, CheckpointPlace& place);
ExitCode ckpt_inspect(const Request& request, CheckpointPlace& place);
ExitCode ckpt_verify(const Request& request, CheckpointPlace& place);
ExitCode ckpt_diff(const Request& request, CheckpointPlace& before, CheckpointPlace& after);
ExitCode ckpt_prune(const Request& request, CheckpointPlace& place);
ExitCode ckpt_export(const Request& request, CheckpointPlace& place, const std::string& destination);

/// "unfinished", "damaged", "newer format", "superseded", "written", "verified" or "good".
std::string state_text(const CheckpointInfo& info);

/// The one metric of the checkpoints that is a loss, or --metric; nullopt: they have none. Throws Error(kConfig): several, or no such metric.
std::optional<std::string> choose_metric(const Request& request, std::span<const CheckpointInfo> infos);

/// While it lives, stderr shows how far the reading of `total_bytes` from the place is.
class ShownReading {
 public:
  ShownReading(const Request& request, CheckpointPlace& place, uint64_t total_bytes, const std::string& what);
  ~ShownReading() { place_.set_meter({}); }
  ShownReading(const ShownReading&) = delete;
  ShownReading& operator=(const ShownReading&) = delete;

 private:
  CheckpointPlace& place_;
  TransferLine line_;
};

/// Objects of a checkpoint are moved by so many threads.
inline constexpr unsigned kReadThreads = 4;

/// What DamagedCheckpoint says, as Error(kCheckpointUnreadable): for the commands that need the one checkpoint whole.
template <class Read>
auto read_or_refuse(const Read& read) {
  try {
    return read();
  } catch (const DamagedCheckpoint& error) {
    throw Error(ExitCode::kCheckpointUnreadable, format("checkpoint {}; `trainhost ckpt list` shows the others", error.what()));
  }
}

}  // namespace trainhost
