// Publishing an event, and the words for those that people see.
#include "telemetry/telemetry.h"

#include "base/log.h"

namespace trainhost {
namespace {

std::string field(const Event& event, const char* name) {
  const auto value = event.details.find(name);
  if (value == event.details.end()) return "?";
  return value->is_string() ? value->get<std::string>() : value->dump();
}

}  // namespace

std::string event_text(const Event& event) {
  const auto of = [&](const char* name) { return field(event, name); };
  if (event.name == "restored") return format("resumed at step {} (window {}) from {}", of("step"), of("window"), of("key"));
  if (event.name == "skipped") return format("window {} is no step: {} ({} in a row)", of("window"), of("reason"), of("in_a_row"));
  if (event.name == "rolled_back") return format("back to step {} from step {}: {}", of("to_step"), of("step"), of("reason"));
  if (event.name == "stalled") return format("no window has ended for {} s: {}", of("seconds"), of("reason"));
  if (event.name == "out_of_memory")
    return format("out of device memory at window {}: trying again with {} samples a micro-batch", of("window"), of("micro_batch_samples"));
  return "";
}

void Telemetry::publish(Event event) {
  const std::lock_guard lock(mutex_);
  if (has_ended_) return;
  has_ended_ = event.name == "run_end";
  if (event.unix_ns == 0) event.unix_ns = unix_nanoseconds();
  if (const std::string text = event_text(event); !text.empty()) log_line(event.name == "restored" ? LogLevel::kInfo : LogLevel::kWarning, text);
  if (log_) log_->write(event);
  observers_.publish(std::make_shared<const Event>(std::move(event)));
}

std::vector<ObserverReport> Telemetry::stop(double grace_seconds) {
  std::vector<ObserverReport> reports = observers_.stop(grace_seconds);
  for (const ObserverReport& report : reports) {
    if (report.is_stuck) log_warning("{}: did not come back from an event within {:.3g} s; it is left alone", report.name, grace_seconds);
    if (report.num_dropped > 0) log_warning("{}: {} events were dropped, it was too slow for them", report.name, report.num_dropped);
    if (report.num_failed > 0)
      log_warning("{}: {} events failed{}; the last one: {}", report.name, report.num_failed, report.is_muted ? ", then it was muted" : "", report.last_error);
  }
  if (log_)
    if (const std::string text = log_->report(); !text.empty()) log_warning("{}", text);
  return reports;
}

}  // namespace trainhost
