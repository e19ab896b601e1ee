// Names of statuses, and the limits of the calling thread's present call.
#include "plugin/call.h"

#include <array>
#include <utility>

namespace trainhost {
namespace {

thread_local const std::atomic<bool>* t_cancelled = nullptr;
thread_local int64_t t_deadline_ns = 0;

}  // namespace

std::string status_name(trainhost_status status) {
  static constexpr std::array<const char*, 16> names = {"OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
                                                        "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
                                                        "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
                                                        "DATA_LOSS"};
  if (status >= 0 && static_cast<size_t>(status) < names.size()) return names[static_cast<size_t>(status)];
  return format("UNKNOWN ({})", status);
}

CallLimit::CallLimit(const std::atomic<bool>* is_cancelled, int64_t deadline_ns)
    : outer_cancelled_(std::exchange(t_cancelled, is_cancelled)), outer_deadline_ns_(std::exchange(t_deadline_ns, deadline_ns)) {}

CallLimit::~CallLimit() {
  t_cancelled = outer_cancelled_;
  t_deadline_ns = outer_deadline_ns_;
}

bool CallLimit::is_cancelled() { return t_cancelled && t_cancelled->load(std::memory_order_relaxed); }

int64_t CallLimit::deadline_ns() { return t_deadline_ns; }

}  // namespace trainhost
