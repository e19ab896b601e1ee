// Notes which plugin the engine is calling, for crash reports, and passes the call on to the ledger.
#pragma once
#include <vector>

#include "base/call_meter.h"
#include "plugin/instance.h"

namespace trainhost {

/// The engine calls T2 objects past Instance, and lies in a library of its own: it knows accounts only.
class EngineCalls final : public CallMeter {
 public:
  explicit EngineCalls(CallMeter& meter) : meter_(meter) {}

  /// The engine will call this plugin, which outlives the calls. Before the first call. [main]
  void add(const Instance& plugin) { plugins_.push_back(&plugin); }

  uint32_t open_account(const std::string& plugin) override { return meter_.open_account(plugin); }
  void enter(uint32_t account, const char* function) override;
  void leave(uint32_t account) override;

 private:
  CallMeter& meter_;
  std::vector<const Instance*> plugins_;
};

}  // namespace trainhost
