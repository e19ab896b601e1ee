// The services that an instance's host answers with.
#pragma once
#include <string_view>

#include "plugin/instance.h"

namespace trainhost {

/// Sees the private side of Instance; its functions are the C functions of trainhost/host.h.
struct HostTables {
  static const void* get_service(const trainhost_host* host, const char* id);
  static const void* find(const Instance& instance, std::string_view id);

  static void write_log(const trainhost_host* host, int32_t level, trainhost_string message);
  static int32_t is_cancelled(const trainhost_host* host);
  static int64_t deadline_ns(const trainhost_host* host);
  static const trainhost_run_facts* facts(const trainhost_host* host);
  static trainhost_status probe(const trainhost_host* host, uint64_t samples, trainhost_probe* out, trainhost_error* error);
  static trainhost_string fingerprint(const trainhost_host* host);
  static trainhost_instance* upstream(const trainhost_host* host, uint32_t index);
  static void report(const trainhost_host* host, trainhost_string topic, const trainhost_string* names, const double* values, uint64_t num_values);
  static void add_stage(const trainhost_host* host, int32_t stage, uint64_t nanoseconds);

 private:
  struct Pause;  // a trial is the host's work: its time is not the plugin's
  static const char* complaint_about_probe(const Instance& instance);
  static Instance& of(const trainhost_host* host) { return *static_cast<Instance*>(host->impl); }
};

/// Whether a run of this version has the service for an instance of the plugin: what `needs` is held against before anything is loaded.
bool run_offers(const PluginRecord& record, std::string_view service_id);

/// The C form of the facts; its strings point into `facts`.
trainhost_run_facts borrow(const RunFacts& facts);

}  // namespace trainhost
