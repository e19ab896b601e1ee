// What one call across the plugin boundary costs, for each T0 kind: through the host's class, through the plugin's C table, and as a plain call of the very
// same function. Prints one JSON line each; usage: boundary_calls FOLDER, which holds the idle plugins.
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "bench/plugins/idle.h"
#include "bench/timing.h"
#include "ledger/ledger.h"
#include "plugin/accumulation_schedule.h"
#include "plugin/checkpoint_backend.h"
#include "plugin/data_source.h"
#include "plugin/lr_schedule.h"
#include "plugin/observer.h"
#include "plugin/precision_policy.h"
#include "plugin/stopping_rule.h"

namespace trainhost {
namespace {

template <class Bare, class Table, class Host>
void compare(const std::string& kind, const char* function, const Bare& bare, const Table& table, const Host& host) {
  const std::vector<double> bare_ns = measure(bare);
  const double peer_ns = bare_ns[bare_ns.size() / 2];
  print(kind, function, "bare C call", bare_ns, peer_ns);
  print(kind, function, "C table", measure(table), peer_ns);
  print(kind, function, "host class", measure(host), peer_ns);
}

template <class Struct>
Struct sized() {
  Struct empty{};
  empty.struct_size = sizeof empty;
  return empty;
}

class NoWriter final : public BatchWriter {
 public:
  void reserve(uint64_t, uint32_t, std::span<const int64_t>, trainhost_tensor&) override {}
};

class Bench {
 public:
  explicit Bench(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void run() {
    precision_policy();
    accumulation_schedule();
    data_source();
    checkpoint_backend();
    stopping_rule();
    lr_schedule();
    observer();
  }

 private:
  Instance& open(const std::string& kind) {
    const PluginRecord record = read_plugin_file(folder_ / (kind + "-idle.so")).front();
    instances_.push_back(Instance::create(record, "{}", {&ledger_, nullptr, {}}));
    return *instances_.back();
  }

  void precision_policy() {
    Instance& instance = open("precision_policy");
    const PrecisionPolicy host(instance);
    const auto table = instance.table<trainhost_precision_policy>(TRAINHOST_PRECISION_POLICY);
    auto device = sized<trainhost_device_facts>();
    trainhost_precision_plan plan = PrecisionPolicy::default_plan();
    compare(
        "precision_policy", "plan", [&] { idle_plan(instance.handle(), &device, &plan, &error_); },
        [&] { table.plan(instance.handle(), &device, &plan, &error_); }, [&] { host.plan(device); });
  }

  void accumulation_schedule() {
    Instance& instance = open("accumulation_schedule");
    const AccumulationSchedule host(instance);
    const auto table = instance.table<trainhost_accumulation_schedule>(TRAINHOST_ACCUMULATION_SCHEDULE);
    auto window = sized<trainhost_window>();
    compare(
        "accumulation_schedule", "next_window", [&] { idle_next_window(instance.handle(), &progress_, &window, &error_); },
        [&] { table.next_window(instance.handle(), &progress_, &window, &error_); }, [&] { host.next_window(progress_); });
  }

  void data_source() {
    Instance& instance = open("data_source");
    DataSource host(instance);
    host.info();
    const auto table = instance.table<trainhost_data_source>(TRAINHOST_DATA_SOURCE);
    const uint64_t id = 0, key = 0;
    const trainhost_read wanted{sizeof(trainhost_read), 0, 1, &id, &key};
    const trainhost_batch_writer c_writer{};
    NoWriter writer;
    compare(
        "data_source", "read", [&] { idle_read(instance.handle(), &wanted, &c_writer, &error_); },
        [&] { table.read(instance.handle(), &wanted, &c_writer, &error_); },
        [&] {
          host.read({&id, 1}, {&key, 1}, writer);
        });
  }

  void checkpoint_backend() {
    Instance& instance = open("checkpoint_backend");
    const CheckpointBackend host(instance);
    const auto table = instance.table<trainhost_checkpoint_backend>(TRAINHOST_CHECKPOINT_BACKEND);
    const trainhost_string key{"key", 3};
    compare(
        "checkpoint_backend", "create", [&] { idle_create_object(instance.handle(), key, "x", 1, &error_); },
        [&] { table.create(instance.handle(), key, "x", 1, &error_); }, [&] { (void)host.create("key", "x"); });
  }

  void stopping_rule() {
    Instance& instance = open("stopping_rule");
    const StoppingRule host(instance);
    const auto table = instance.table<trainhost_stopping_rule>(TRAINHOST_STOPPING_RULE);
    auto verdict = sized<trainhost_verdict>();
    compare(
        "stopping_rule", "check", [&] { idle_check(instance.handle(), &progress_, nullptr, 0, &verdict, &error_); },
        [&] { table.check(instance.handle(), &progress_, nullptr, 0, &verdict, &error_); }, [&] { host.check(progress_, {}); });
  }

  void lr_schedule() {
    Instance& instance = open("lr_schedule");
    const LrSchedule host(instance);
    const auto table = instance.table<trainhost_lr_schedule>(TRAINHOST_LR_SCHEDULE);
    const double fraction = 0.5;
    double factor = 0;
    compare(
        "lr_schedule", "factors", [&] { idle_factors(instance.handle(), &progress_, &fraction, 1, &factor, &error_); },
        [&] { table.factors(instance.handle(), &progress_, &fraction, 1, &factor, &error_); },
        [&] {
          host.factors(progress_, {&fraction, 1});
        });
  }

  void observer() {
    Instance& instance = open("observer");
    const Observer host(instance);
    const auto table = instance.table<trainhost_observer>(TRAINHOST_OBSERVER);
    auto event = sized<trainhost_event>();
    event.progress = &progress_;
    compare(
        "observer", "on_event", [&] { idle_on_event(instance.handle(), &event, &error_); }, [&] { table.on_event(instance.handle(), &event, &error_); },
        [&] { host.on_event(event); });
  }

  std::filesystem::path folder_;
  Ledger ledger_{{}};
  std::vector<std::unique_ptr<Instance>> instances_;
  trainhost_progress progress_ = sized<trainhost_progress>();
  trainhost_error error_ = sized<trainhost_error>();
};

}  // namespace
}  // namespace trainhost

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::runtime_error("usage: boundary_calls FOLDER (of the idle plugins)");
    trainhost::Bench(argv[1]).run();
    return 0;
  } catch (const std::exception& failure) {
    std::cerr << "boundary_calls: " << failure.what() << "\n";
    return 1;
  }
}
