// How the plugin room tells the ledger whose code is running, without either importing the other.
#pragma once
#include <cstdint>
#include <string>

namespace trainhost {

/// Receives the begin and end of every call that crosses the plugin boundary. [any] Calls nest per thread. Must cost well under a microsecond.
class CallMeter {
 public:
  virtual ~CallMeter() = default;
  /// Registers "kind/name" once; returns the account that enter() takes.
  virtual uint32_t open_account(const std::string& plugin) = 0;
  /// `function`: of the plugin, "check"; lives as long as the program.
  virtual void enter(uint32_t account, const char* function) = 0;
  virtual void leave(uint32_t account) = 0;
};

/// The time of its life goes to one account.
class MeteredCall {
 public:
  MeteredCall(CallMeter* meter, uint32_t account, const char* function) : meter_(meter), account_(account) {
    if (meter_) meter_->enter(account_, function);
  }
  ~MeteredCall() {
    if (meter_) meter_->leave(account_);
  }
  MeteredCall(const MeteredCall&) = delete;
  MeteredCall& operator=(const MeteredCall&) = delete;

 private:
  CallMeter* meter_;
  uint32_t account_;
};

}  // namespace trainhost
