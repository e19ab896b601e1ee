// Called by plugins, on any thread: nothing may be thrown out of here.
#include "plugin/services.h"

#include <algorithm>
#include <cstring>

#include <trainhost/data_stages.h>
#include <trainhost/report.h>

#include "base/log.h"
#include "plugin/read_stages.h"
#include "plugin/text.h"

namespace trainhost {

const void* HostTables::get_service(const trainhost_host* host, const char* id) { return id ? find(of(host), id) : nullptr; }

const void* HostTables::find(const Instance& instance, std::string_view id) {
  static const trainhost_log log_table{sizeof(trainhost_log), 0, write_log};
  static const trainhost_call call_table{sizeof(trainhost_call), 0, is_cancelled, deadline_ns};
  static const trainhost_run run_table{sizeof(trainhost_run), 0, facts};
  static const trainhost_memory memory_table{sizeof(trainhost_memory), 0, probe, fingerprint};
  if (id == TRAINHOST_LOG) return &log_table;
  if (id == TRAINHOST_CALL) return &call_table;
  if (id == TRAINHOST_RUN) return &run_table;
  static const trainhost_report report_table{sizeof(trainhost_report), 0, report};
  if (id == TRAINHOST_REPORT) return &report_table;
  static const trainhost_data_stages stages_table{sizeof(trainhost_data_stages), 0, add_stage};
  if (id == TRAINHOST_DATA_STAGES && instance.record_.kind == "data_source") return &stages_table;
  if (id == TRAINHOST_MEMORY && instance.services_.memory) return &memory_table;
  if (id == TRAINHOST_UPSTREAM && !instance.services_.upstreams.empty()) return &instance.upstream_table_;
  return nullptr;
}

// Nobody hands a MemoryProbe to instances yet, so trainhost.memory/1 is not among them.
bool run_offers(const PluginRecord& record, std::string_view service_id) {
  if (service_id == TRAINHOST_UPSTREAM) return record.decorates > 0;
  if (service_id == TRAINHOST_DATA_STAGES) return record.kind == "data_source";
  return service_id == TRAINHOST_LOG || service_id == TRAINHOST_CALL || service_id == TRAINHOST_RUN || service_id == TRAINHOST_REPORT;
}

void HostTables::write_log(const trainhost_host* host, int32_t level, trainhost_string message) {
  try {
    Instance& instance = of(host);
    if (level < TRAINHOST_LOG_DEBUG || level > TRAINHOST_LOG_ERROR) level = TRAINHOST_LOG_INFO;
    ++instance.num_logged_[static_cast<size_t>(level)];
    const std::string_view words(message.data ? message.data : "", message.data ? message.length : 0);
    log_line(static_cast<LogLevel>(level), instance.record_.name + ": " + clean_text(words));
  } catch (...) {  // a line that cannot be written is lost; the header allows no failure
  }
}

int32_t HostTables::is_cancelled(const trainhost_host*) { return CallLimit::is_cancelled() ? 1 : 0; }

int64_t HostTables::deadline_ns(const trainhost_host*) { return CallLimit::deadline_ns(); }

const trainhost_run_facts* HostTables::facts(const trainhost_host* host) { return of(host).facts_ ? &of(host).run_facts_ : nullptr; }

struct HostTables::Pause {
  explicit Pause(Instance& paused) : instance(paused) {
    instance.slow_calls_.pause();
    if (CallMeter* meter = instance.services_.meter) meter->leave(instance.account_);
  }
  ~Pause() {
    if (CallMeter* meter = instance.services_.meter) meter->enter(instance.account_, "next_window");
    instance.slow_calls_.go_on();
  }
  Instance& instance;
};

const char* HostTables::complaint_about_probe(const Instance& instance) {
  const std::thread::id permitted = instance.probing_thread_;
  if (permitted == std::this_thread::get_id()) return nullptr;
  if (permitted == std::thread::id()) return "probe was called outside of next_window; call it only there";
  return "probe was called on another thread than next_window; call it on the training thread";
}

trainhost_status HostTables::probe(const trainhost_host* host, uint64_t samples, trainhost_probe* out, trainhost_error* error) {
  Instance& instance = of(host);
  if (!out || out->struct_size < sizeof out->struct_size) return TRAINHOST_INVALID_ARGUMENT;
  if (const char* complaint = complaint_about_probe(instance)) {
    log_warning("{}: {}", instance.full_name_, complaint);
    write_words(error, complaint);
    return TRAINHOST_FAILED_PRECONDITION;
  }
  const Pause pause(instance);
  try {
    trainhost_probe answer = instance.services_.memory->probe(samples);
    answer.struct_size = out->struct_size;
    std::memcpy(out, &answer, std::min<size_t>(sizeof answer, out->struct_size));
    return TRAINHOST_OK;
  } catch (const std::exception& failure) {
    write_words(error, failure.what());
  } catch (...) {
    write_words(error, "the trial failed");
  }
  return TRAINHOST_INTERNAL;
}

trainhost_string HostTables::fingerprint(const trainhost_host* host) {
  Instance& instance = of(host);
  try {
    std::call_once(instance.fingerprint_once_, [&] { instance.fingerprint_ = instance.services_.memory->fingerprint(); });
  } catch (...) {  // empty: no name under which a size could be kept
  }
  return borrow(std::string_view(instance.fingerprint_));
}

trainhost_instance* HostTables::upstream(const trainhost_host* host, uint32_t index) {
  const auto& upstreams = of(host).services_.upstreams;
  return index < upstreams.size() ? upstreams[index]->handle() : nullptr;
}

void HostTables::report(const trainhost_host* host, trainhost_string topic, const trainhost_string* names, const double* values, uint64_t num_values) {
  constexpr uint64_t kMostNumbers = 32;
  try {
    const Instance& instance = of(host);
    if (!instance.services_.reports || !instance.facts_) return;
    const auto text = [](trainhost_string word) { return clean_text(std::string_view(word.data ? word.data : "", word.data ? word.length : 0), 64); };
    std::vector<PluginReports::Number> numbers;
    for (uint64_t i = 0; i < std::min(num_values, kMostNumbers); ++i) numbers.emplace_back(text(names[i]), values[i]);
    instance.services_.reports->publish(instance.full_name_, text(topic), numbers);
  } catch (...) {  // numbers that cannot be told are lost; the header allows no failure
  }
}

void HostTables::add_stage(const trainhost_host*, int32_t stage, uint64_t nanoseconds) { ReadStages::add(stage, nanoseconds); }

trainhost_run_facts borrow(const RunFacts& facts) {
  return {sizeof(trainhost_run_facts),
          facts.rank,
          facts.world_size,
          facts.is_resumed ? 1u : 0u,
          borrow(std::string_view(facts.run_id)),
          borrow(std::string_view(facts.run_folder)),
          borrow(std::string_view(facts.cache_folder)),
          borrow(std::string_view(facts.currency)),
          borrow(std::string_view(facts.config_json))};
}

}  // namespace trainhost
