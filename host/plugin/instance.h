// One living plugin: library, entry, services, and the order create -> load state -> start -> use -> stop -> destroy.
#pragma once
#include <array>
#include <atomic>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <trainhost/plugin.h>

#include "base/call_meter.h"
#include "plugin/call.h"
#include "plugin/metadata.h"
#include "plugin/slow_calls.h"

namespace trainhost {

/// Facts that hold for the whole run (service trainhost.run/1). Secrets must be gone from config_json.
struct RunFacts {
  uint32_t rank = 0, world_size = 1;
  bool is_resumed = false;
  std::string run_id = {}, run_folder = {}, cache_folder = {}, currency = {}, config_json = {};
};

/// Trial micro-batches for accumulation schedules (service trainhost.memory/1). Implemented by the loop over the engine; may throw Error.
class MemoryProbe {
 public:
  virtual ~MemoryProbe() = default;
  virtual trainhost_probe probe(uint64_t micro_batch_samples) = 0;  // struct_size is set by the caller of probe
  virtual std::string fingerprint() = 0;                            // model + shapes + device + precision, hex
};

class Instance;

/// Takes the numbers that plugins tell (service trainhost.report/1), and what is noticed about them. Implemented by the loop over telemetry. [any]
class PluginReports {
 public:
  virtual ~PluginReports() = default;
  using Number = std::pair<std::string, double>;  // NaN: not measured
  virtual void publish(const std::string& plugin, const std::string& topic, const std::vector<Number>& numbers) = 0;
  /// Training has waited for this function of the plugin.
  virtual void slow_call(const std::string& plugin, const std::string& function, double seconds) = 0;
};

/// What one instance is given beside the services log and call. Everything is borrowed and outlives the instance.
struct InstanceServices {
  CallMeter* meter = nullptr;             // brackets every call into the plugin; the account is "kind/name"
  MemoryProbe* memory = nullptr;          // null: the service is absent
  PluginReports* reports = nullptr;       // null: what is reported is lost
  std::vector<Instance*> upstreams = {};  // of a decorator, as many as the record says; start them before it
};

class Instance {
 public:
  /// Opens the plugin file (now, local, never unloaded), holds its entry against the record, and creates the instance. The caller has checked the
  /// config against the record's schema, and has blocked its signals: some libraries start threads while they are loaded. [main]
  /// Throws Error(kPlugin); a create that answers INVALID_ARGUMENT is Error(kConfig).
  static std::unique_ptr<Instance> create(const PluginRecord& record, std::string_view config_json, InstanceServices services = {});

  /// Stops it when start was tried, then destroys it. What the plugin throws here is logged. [main]
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  /// Once, after State::load. `facts` is borrowed until the instance is gone. Throws PluginCallError; the destructor does the rest. [main]
  void start(const RunFacts& facts);
  /// Does nothing unless start was tried; a second time does nothing. [main]
  void stop() noexcept;
  bool is_started() const { return phase_ == Phase::kStarted; }

  const PluginRecord& record() const { return record_; }
  const std::string& full_name() const { return full_name_; }

  /// The plugin's frozen table or T2 object; nullptr when it has none under this id. [any]
  const void* interface(const char* id) const;

  /// A table of this kind, copied and checked for its size. Throws Error(kPlugin) when it is absent. [any]
  template <class Table>
  Table table(const char* id) const {
    Table copy{};
    copy_table(id, &copy, sizeof copy);
    return copy;
  }

  /// The plugin's own object: the first argument of every function of its tables.
  trainhost_instance* handle() const { return instance_; }

  /// Calls into the plugin: `function(trainhost_error*)` is bracketed by the meter; a status that is not OK, and anything thrown, becomes a
  /// PluginCallError. Returns OK or `accepted`, a status that the caller wants to see. [any]
  template <class Function>
  trainhost_status call(const char* what, Function&& function, trainhost_status accepted = TRAINHOST_OK) const {
    using Stored = std::remove_reference_t<Function>;
    return run(
        what, [](void* stored, trainhost_error* error) -> trainhost_status { return (*static_cast<Stored*>(stored))(error); },
        const_cast<void*>(static_cast<const void*>(std::addressof(function))), accepted);
  }

  /// The same for functions of role [train]: one that lets training wait is logged with its name and time and reported,
  /// and training goes on.
  template <class Function>
  void train_call(const char* what, Function&& function) const {
    const TrainCall timed(*this, what);
    call(what, std::forward<Function>(function));
  }

  /// The same for functions that return nothing; what they throw is logged.
  template <class Function>
  void call_quietly(const char* what, Function&& function) const noexcept {
    using Stored = std::remove_reference_t<Function>;
    run_quietly(
        what, [](void* stored, trainhost_error*) -> trainhost_status { return (*static_cast<Stored*>(stored))(), TRAINHOST_OK; },
        const_cast<void*>(static_cast<const void*>(std::addressof(function))));
  }

  /// Throws Error(kPlugin) naming the first function of table `id` that is NULL.
  struct Required {
    const char* name;
    bool is_there;
    template <class Function>
    Required(const char* function_name, Function* function) : name(function_name), is_there(function != nullptr) {}
  };
  void require(const char* id, std::initializer_list<Required> functions) const;

  /// The error for an answer that breaks the header's promise: INTERNAL, exit code kPlugin.
  PluginCallError broken_promise(const char* what, const std::string& complaint) const;

  /// Of the meter, for those who call the plugin past this class: the engine calls T2 objects. 0 without a meter.
  uint32_t account() const { return account_; }

  /// A thread may be inside of the plugin for good: from here on it, and what it wraps, is neither stopped nor destroyed. [any]
  void leave_behind() const;
  bool is_left_behind() const { return is_left_behind_; }

  /// Lines that the plugin has logged at TRAINHOST_LOG_WARNING and _ERROR. [any]
  uint64_t num_warnings() const { return num_logged_[2]; }
  uint64_t num_errors() const { return num_logged_[3]; }

 private:
  friend class AccumulationSchedule;  // says when probes are allowed
  friend struct HostTables;           // the services
  enum class Phase { kCreated, kStarting, kStarted, kStopped };

  struct TrainCall {
    TrainCall(const Instance& plugin, const char* function) : instance(plugin), what(function) { instance.slow_calls_.begin(); }
    ~TrainCall() { instance.say_if_slow(what); }
    const Instance& instance;
    const char* what;
  };

  Instance(const PluginRecord& record, InstanceServices services);
  void check_services() const;
  void make(const trainhost_entry& entry, const trainhost_descriptor& descriptor, std::string_view config_json);
  void check_made() const;
  trainhost_status run(const char* what, trainhost_status (*function)(void*, trainhost_error*), void* stored, trainhost_status accepted) const;
  void run_quietly(const char* what, trainhost_status (*function)(void*, trainhost_error*), void* stored) const noexcept;
  void say_if_slow(const char* what) const noexcept;
  void copy_table(const char* id, void* out, uint32_t size) const;
  ExitCode exit_code(std::string_view what, trainhost_status status) const;
  [[noreturn]] void fail(const std::string& complaint) const;

  PluginRecord record_;
  std::string full_name_;
  InstanceServices services_;
  uint32_t account_ = 0;
  trainhost_host host_{};
  trainhost_upstream upstream_table_{};
  const RunFacts* facts_ = nullptr;
  trainhost_run_facts run_facts_{};
  std::string fingerprint_;
  std::once_flag fingerprint_once_;
  std::atomic<std::thread::id> probing_thread_;  // the one that may call probe; none most of the time
  mutable SlowCalls slow_calls_;                 // [train]
  std::array<std::atomic<uint64_t>, 4> num_logged_{};
  trainhost_instance* instance_ = nullptr;
  mutable std::atomic<bool> is_left_behind_ = false;
  Phase phase_ = Phase::kCreated;
};

}  // namespace trainhost
