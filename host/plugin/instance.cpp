// The life of an instance, and the one place where the host calls plugins.
#include "plugin/instance.h"

#include <cassert>
#include <cstring>
#include <exception>

#include <trainhost/state.h>

#include "base/call_stack.h"
#include "base/log.h"
#include "plugin/entry.h"
#include "plugin/guarded.h"
#include "plugin/kind.h"
#include "plugin/services.h"
#include "plugin/text.h"

namespace trainhost {
namespace {

std::string wrong_upstreams(const PluginRecord& record, const InstanceServices& services) {
  return format("wraps {} plugins of its kind, got {}; choose as many beside it", record.decorates, services.upstreams.size());
}

}  // namespace

std::unique_ptr<Instance> Instance::create(const PluginRecord& record, std::string_view config_json, InstanceServices services) {
  std::unique_ptr<Instance> instance(new Instance(record, std::move(services)));
  instance->check_services();
  const OpenedPlugin opened = open_plugin(record);
  instance->make(*opened.entry, *opened.descriptor, config_json);
  instance->check_made();
  return instance;
}

Instance::Instance(const PluginRecord& record, InstanceServices services) : record_(record), full_name_(record.full_name()), services_(std::move(services)) {
  if (services_.meter) account_ = services_.meter->open_account(full_name_);
  host_ = {sizeof host_, TRAINHOST_ABI_MAJOR, TRAINHOST_ABI_MINOR, 0, this, HostTables::get_service};
  upstream_table_ = {sizeof upstream_table_, static_cast<uint32_t>(services_.upstreams.size()), HostTables::upstream};
}

Instance::~Instance() {
  if (is_left_behind_) return;
  stop();
  if (instance_ && instance_->destroy) call_quietly("destroy", [&] { instance_->destroy(instance_); });
}

void Instance::leave_behind() const {
  is_left_behind_ = true;
  for (const Instance* upstream : services_.upstreams) upstream->leave_behind();
}

void Instance::fail(const std::string& complaint) const { throw Error(ExitCode::kPlugin, format("{}: {}: {}", record_.file.string(), full_name_, complaint)); }

void Instance::check_services() const {
  // A decorator that is never started may be asked what needs no upstream.
  if (services_.upstreams.size() != record_.decorates && !services_.upstreams.empty()) fail(wrong_upstreams(record_, services_));
  for (const std::string& id : record_.needs)
    if (!HostTables::find(*this, id)) fail(format("needs the service {}, which this host has not for it; update trainhost or leave the plugin out", id));
}

void Instance::make(const trainhost_entry& entry, const trainhost_descriptor& descriptor, std::string_view config_json) {
  const trainhost_string config = borrow(config_json);
  trainhost_instance* made = nullptr;
  call("create", [&](trainhost_error* error) { return entry.create(&host_, &descriptor, config, &made, error); });
  instance_ = made;
}

void Instance::check_made() const {
  if (!instance_) throw broken_promise("create", "returned OK without an instance");
  if (instance_->struct_size < sizeof *instance_)
    throw broken_promise("create", format("made an instance of {} bytes, wanted {}", instance_->struct_size, sizeof *instance_));
  if (!instance_->get_interface || !instance_->destroy)
    throw broken_promise("create", format("made an instance without {}", instance_->get_interface ? "destroy" : "get_interface"));
  const std::string kind_id(require_kind(record_.kind).interface_id);
  if (!interface(kind_id.c_str())) fail(format("has no interface {}, which every {} must have; correct the plugin", kind_id, record_.kind));
  if (record_.is_stateful && !interface(TRAINHOST_STATE))
    fail(format("says \"stateful\": true, but has no interface {}; implement it, or say false", TRAINHOST_STATE));
}

void Instance::start(const RunFacts& facts) {
  assert(phase_ == Phase::kCreated);
  if (services_.upstreams.size() != record_.decorates) fail(wrong_upstreams(record_, services_));
  run_facts_ = borrow(facts);
  facts_ = &facts;
  phase_ = Phase::kStarting;
  if (instance_->start) call("start", [&](trainhost_error* error) { return instance_->start(instance_, error); });
  phase_ = Phase::kStarted;
}

void Instance::stop() noexcept {
  const bool was_tried = phase_ == Phase::kStarting || phase_ == Phase::kStarted;
  phase_ = Phase::kStopped;
  if (was_tried && instance_->stop) call_quietly("stop", [&] { instance_->stop(instance_); });
}

const void* Instance::interface(const char* id) const {
  const void* found = nullptr;
  call("get_interface", [&](trainhost_error*) {
    found = instance_->get_interface(instance_, id);
    return TRAINHOST_OK;
  });
  return found;
}

void Instance::copy_table(const char* id, void* out, uint32_t size) const {
  const void* table = interface(id);
  if (!table) fail(format("has no interface {}; correct the plugin or choose another", id));
  uint32_t struct_size = 0;
  std::memcpy(&struct_size, table, sizeof struct_size);
  if (struct_size < size) fail(format("its table {} has {} bytes, wanted {}; build it again with this SDK", id, struct_size, size));
  std::memcpy(out, table, size);
}

trainhost_status Instance::run(const char* what, trainhost_status (*function)(void*, trainhost_error*), void* stored, trainhost_status accepted) const {
  Guarded<trainhost_error> error;
  trainhost_status status = TRAINHOST_UNKNOWN;
  try {
    const CallNote note({full_name_.c_str(), what, record_.file.c_str()});
    const MeteredCall metered(services_.meter, account_, what);
    status = function(stored, &error.value);
  } catch (const std::exception& thrown) {
    throw broken_promise(what, format("threw an exception ({}), which must not leave a plugin", clean_text(thrown.what())));
  } catch (...) {
    if (!std::current_exception()) throw;  // pthread_exit, which cannot be held up
    throw broken_promise(what, "threw an exception, which must not leave a plugin");
  }
  if (!error.is_intact()) throw broken_promise(what, "wrote beyond its error text");
  if (status == TRAINHOST_OK || status == accepted) return status;
  throw PluginCallError(exit_code(what, status), full_name_, status, format("{}: {}: {}: {}", full_name_, what, status_name(status), error_words(error.value)));
}

void Instance::say_if_slow(const char* what) const noexcept {
  const double seconds = slow_calls_.end();
  if (seconds == 0) return;
  log_warning("{}: {} took {:.3g} s, in which training stood still; correct the plugin, or leave it out", full_name_, what, seconds);
  try {
    if (services_.reports) services_.reports->slow_call(full_name_, what, seconds);
  } catch (const std::exception& error) {
    log_error("{}: the slow call of {} could not be told: {}", full_name_, what, error.what());
  }
}

void Instance::run_quietly(const char* what, trainhost_status (*function)(void*, trainhost_error*), void* stored) const noexcept {
  try {
    run(what, function, stored, TRAINHOST_OK);
  } catch (const std::exception& error) {
    log_error("{}", error.what());
  }
}

void Instance::require(const char* id, std::initializer_list<Required> functions) const {
  for (const Required& function : functions)
    if (!function.is_there) fail(format("its table {} lacks the function {}; correct the plugin", id, function.name));
}

PluginCallError Instance::broken_promise(const char* what, const std::string& complaint) const {
  return {ExitCode::kPlugin, full_name_, TRAINHOST_INTERNAL, format("{}: {}: {}; correct the plugin ({})", full_name_, what, complaint, record_.file.string())};
}

ExitCode Instance::exit_code(std::string_view what, trainhost_status status) const {
  if (what == "create" && status == TRAINHOST_INVALID_ARGUMENT) return ExitCode::kConfig;
  if (what == "load state" && status == TRAINHOST_DATA_LOSS) return ExitCode::kCheckpointUnreadable;
  if (what == "load state" && status == TRAINHOST_FAILED_PRECONDITION) return ExitCode::kConfig;
  if (what == "out_of_memory" && status == TRAINHOST_RESOURCE_EXHAUSTED) return ExitCode::kOutOfMemory;
  if (record_.kind == "data_source") return ExitCode::kData;
  const bool is_refusal = status == TRAINHOST_INVALID_ARGUMENT || status == TRAINHOST_FAILED_PRECONDITION;
  if (is_refusal && ((what == "start" && record_.kind != "checkpoint_backend") || what == "plan" || what == "factors")) return ExitCode::kConfig;
  if (record_.kind == "checkpoint_backend") return what == "get" || what == "list" ? ExitCode::kCheckpointUnreadable : ExitCode::kCheckpointUnwritable;
  return ExitCode::kPlugin;
}

}  // namespace trainhost
