// The services of the host as C++ calls. What the host does not offer reads as empty, zero or NaN, except where a call says that it throws.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "trainhost/cpp/error.hpp"
#include "trainhost/host.h"
#include "trainhost/plugin.h"

namespace trainhost::inline sdk {

// An upstream of a decorator: call(up.table->read, up.instance, ...).
template <class Table>
struct Upstream {
  trainhost_instance* instance;
  const Table* table;
};

class Host {
 public:
  Host() = default;
  explicit Host(const trainhost_host* host)
      : host_(host), log_(service<trainhost_log>(TRAINHOST_LOG)), call_(service<trainhost_call>(TRAINHOST_CALL)) {}

  // One line in the run's log under the plugin's name. [any]
  template <class... Values> void log_debug(std::string_view pattern, const Values&... values) const { log(TRAINHOST_LOG_DEBUG, format(pattern, values...)); }
  template <class... Values> void log_info(std::string_view pattern, const Values&... values) const { log(TRAINHOST_LOG_INFO, format(pattern, values...)); }
  template <class... Values>
  void log_warning(std::string_view pattern, const Values&... values) const {
    log(TRAINHOST_LOG_WARNING, format(pattern, values...));
  }
  template <class... Values> void log_error(std::string_view pattern, const Values&... values) const { log(TRAINHOST_LOG_ERROR, format(pattern, values...)); }

  // For long [io] calls: whether the answer is still wanted, and until when (CLOCK_MONOTONIC nanoseconds, 0 = no deadline). [any]
  bool is_cancelled() const { return call_ && call_->is_cancelled(host_) != 0; }
  std::int64_t deadline_ns() const { return call_ ? call_->deadline_ns(host_) : 0; }
  void throw_if_cancelled() const { if (is_cancelled()) throw PluginError(TRAINHOST_CANCELLED, "cancelled by the host"); }

  // Facts of the run; views live as long as the plugin. [any]
  std::string_view run_id() const { return view(facts().run_id); }
  std::string_view run_folder() const { return view(facts().run_folder); }
  std::string_view cache_folder() const { return view(facts().cache_folder); }
  std::string_view currency() const { return view(facts().currency); }
  std::string_view config_json() const { return view(facts().config_json); }
  std::uint32_t rank() const { return facts().rank; }
  std::uint32_t world_size() const { return facts().world_size; }
  bool is_resumed() const { return facts().is_resumed != 0; }

  // Tries a micro-batch; only inside next_window. Throws PluginError UNIMPLEMENTED when the host cannot, or what the trial met.
  bool has_memory_probe() const { return service<trainhost_memory>(TRAINHOST_MEMORY) != nullptr; }
  trainhost_probe probe_memory(std::uint64_t micro_batch_samples) const {
    trainhost_probe probe{sizeof(trainhost_probe), 0, 0, 0, std::numeric_limits<double>::quiet_NaN()};
    call(memory().probe, host_, micro_batch_samples, &probe);
    return probe;
  }
  std::string_view memory_fingerprint() const { return view(memory().fingerprint(host_)); }

  // Decorators: the wrapped plugins. Throws PluginError when there is no such upstream or it lacks the interface.
  std::uint32_t num_upstreams() const {
    const auto* upstreams = service<trainhost_upstream>(TRAINHOST_UPSTREAM);
    return upstreams ? upstreams->num_upstreams : 0;
  }
  template <class Table>
  Upstream<Table> upstream(std::uint32_t index, const char* id) const {
    trainhost_instance* instance = index < num_upstreams() ? service<trainhost_upstream>(TRAINHOST_UPSTREAM)->at(host_, index) : nullptr;
    if (!instance) throw PluginError(TRAINHOST_FAILED_PRECONDITION, format("upstream {} does not exist, {} are there", index, num_upstreams()));
    const auto* table = static_cast<const Table*>(instance->get_interface(instance, id));
    if (!table) throw PluginError(TRAINHOST_FAILED_PRECONDITION, format("upstream {} has no interface {}", index, id));
    return {instance, table};
  }

  // Any other service by its id; NULL when this host does not have it.
  template <class Table>
  const Table* service(const char* id) const { return host_ ? static_cast<const Table*>(host_->get_service(host_, id)) : nullptr; }
  const trainhost_host* c_host() const { return host_; }

 private:
  void log(std::int32_t level, const std::string& message) const { if (log_) log_->write(host_, level, c_string(message)); }

  trainhost_run_facts facts() const {
    trainhost_run_facts none{};
    none.world_size = 1;
    const auto* run = service<trainhost_run>(TRAINHOST_RUN);
    const trainhost_run_facts* facts = run ? run->facts(host_) : nullptr;
    return facts ? detail::read_struct(facts, none) : none;
  }

  const trainhost_memory& memory() const {
    const auto* memory = service<trainhost_memory>(TRAINHOST_MEMORY);
    if (!memory) throw PluginError(TRAINHOST_UNIMPLEMENTED, "this host has no " TRAINHOST_MEMORY);
    return *memory;
  }

  const trainhost_host* host_ = nullptr;
  const trainhost_log* log_ = nullptr;
  const trainhost_call* call_ = nullptr;
};

}  // namespace trainhost::inline sdk
