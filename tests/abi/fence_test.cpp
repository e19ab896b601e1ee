// Structs that grow end where a page begins that nobody may touch. So a plugin that reads a field of the next minor without asking whether its host gave it is
// stopped, and one that looks at struct_size first is not; and so is a host with what plugins give. Every struct that grows is in the list.
#include <boost/test/data/test_case.hpp>
#include <fstream>
#include <regex>
#include <set>

#include <signal.h>
#include <sys/wait.h>

#include "fence.h"
#include "generations.h"
#include "plugin/entry.h"
#include "plugin/services.h"

#include <trainhost/accumulation_schedule.h>
#include <trainhost/checkpoint_backend.h>
#include <trainhost/data_source.h>
#include <trainhost/lr_schedule.h>
#include <trainhost/observer.h>
#include <trainhost/precision_policy.h>
#include <trainhost/stopping_rule.h>

namespace trainhost {
namespace {

enum class End { kFine, kRefused, kFault };
std::ostream& operator<<(std::ostream& out, End end) { return out << (end == End::kFine ? "fine" : end == End::kRefused ? "refused" : "fault"); }

// How `function`, which answers true when all went well, ends in a process of its own.
template <class Function>
End end_of(Function&& function) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGSEGV, SIG_DFL);  // no report of a sanitizer or of the test framework
    ::_exit(function() ? 0 : 1);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGSEGV ? End::kFault : End::kRefused;
  return WEXITSTATUS(status) == 0 ? End::kFine : End::kRefused;
}

template <class Struct>
Struct* fenced() {
  auto* out = static_cast<Struct*>(fence_new(sizeof(Struct)));
  *out = given<Struct>();
  return out;
}

// A host whose every answer stands before a fence, and that writes as far as `bytes_of_probe`, whatever the plugin gave.
struct RawHost {
  trainhost_host c{sizeof(trainhost_host), TRAINHOST_ABI_MAJOR, TRAINHOST_ABI_MINOR, 0, this, get_service};
  trainhost_run_facts* facts = fenced<trainhost_run_facts>();
  uint32_t bytes_of_probe = 0;  // 0: what the plugin gave

  static RawHost& of(const trainhost_host* host) { return *static_cast<RawHost*>(host->impl); }
  static const void* get_service(const trainhost_host*, const char* id) {
    static const trainhost_run run{sizeof(trainhost_run), 0, [](const trainhost_host* host) -> const trainhost_run_facts* { return of(host).facts; }};
    static const trainhost_memory memory{sizeof(trainhost_memory), 0, probe, nullptr};
    const std::string_view wanted = id;
    return wanted == TRAINHOST_RUN ? static_cast<const void*>(&run) : wanted == TRAINHOST_MEMORY ? &memory : nullptr;
  }
  static trainhost_status probe(const trainhost_host* host, uint64_t, trainhost_probe* out, trainhost_error*) {
    const trainhost_probe answer = given<trainhost_probe>();
    const uint32_t given_bytes = out->struct_size, bytes = of(host).bytes_of_probe;
    std::memcpy(static_cast<void*>(out), &answer, bytes ? bytes : std::min<size_t>(given_bytes, sizeof answer));
    return TRAINHOST_OK;
  }
};

// An instance past the host's classes, which would put structs on their stack.
struct RawPlugin {
  RawHost host;
  trainhost_instance* c = nullptr;

  RawPlugin(const std::string& file, const std::string& name, const std::string& config) {
    const PluginRecord record = read_records(generation_file(file)).front();
    const OpenedPlugin opened = open_plugin(record);
    for (uint32_t i = 0; i < opened.entry->num_descriptors; ++i)
      if (const auto* descriptor = opened.entry->descriptors[i]; std::string_view(descriptor->name.data, descriptor->name.length) == name)
        BOOST_REQUIRE(opened.entry->create(&host.c, descriptor, {config.data(), config.size()}, &c, nullptr) == TRAINHOST_OK);
    BOOST_REQUIRE(c != nullptr);
  }
  template <class Table>
  const Table& table(const char* id) const {
    return *static_cast<const Table*>(c->get_interface(c, id));
  }
};

const trainhost_accumulation_schedule& schedule(const RawPlugin& plugin) {
  return plugin.table<trainhost_accumulation_schedule>(TRAINHOST_ACCUMULATION_SCHEDULE);
}
const trainhost_data_source& source(const RawPlugin& plugin) { return plugin.table<trainhost_data_source>(TRAINHOST_DATA_SOURCE); }

// The next minor's field of a struct that the plugin wrote to: 43, where there is one.
template <class Struct>
bool is_written([[maybe_unused]] const Struct& out) {
#if TRAINHOST_IS_NEXT
  return out.pretended == 43;
#else
  return true;
#endif
}

// Hands one struct, fenced, to the plugin; true when it answered OK and what it wrote arrived.
struct Handover {
  const char* name;
  bool (*give)(const RawPlugin& plugin);
};
std::ostream& operator<<(std::ostream& out, const Handover& handover) { return out << handover.name; }

bool give_progress(const RawPlugin& plugin) {
  double factor = 0;
  const auto& schedule = plugin.table<trainhost_lr_schedule>(TRAINHOST_LR_SCHEDULE);
  return schedule.factors(plugin.c, fenced<trainhost_progress>(), nullptr, 1, &factor, nullptr) == TRAINHOST_OK;
}
bool give_event(const RawPlugin& plugin) {
  return plugin.table<trainhost_observer>(TRAINHOST_OBSERVER).on_event(plugin.c, fenced<trainhost_event>(), nullptr) == TRAINHOST_OK;
}
bool give_run_facts(const RawPlugin& plugin) { return plugin.c->start(plugin.c, nullptr) == TRAINHOST_OK; }
bool give_device_facts(const RawPlugin& plugin) {
  trainhost_precision_plan roomy[2] = {};
  roomy[0].struct_size = sizeof roomy[0];
  const auto& policy = plugin.table<trainhost_precision_policy>(TRAINHOST_PRECISION_POLICY);
  return policy.plan(plugin.c, fenced<trainhost_device_facts>(), roomy, nullptr) == TRAINHOST_OK;
}
bool give_precision_plan(const RawPlugin& plugin) {
  auto* plan = fenced<trainhost_precision_plan>();
  struct {
    trainhost_device_facts facts = given<trainhost_device_facts>();
    uint64_t room = kPretended;
  } roomy;
  const auto& policy = plugin.table<trainhost_precision_policy>(TRAINHOST_PRECISION_POLICY);
  return policy.plan(plugin.c, &roomy.facts, plan, nullptr) == TRAINHOST_OK && is_written(*plan);
}
bool give_window(const RawPlugin& plugin) {
  uint64_t samples = 0;
  return schedule(plugin).out_of_memory(plugin.c, fenced<trainhost_window>(), 1, &samples, nullptr) == TRAINHOST_OK;
}
bool give_source_info(const RawPlugin& plugin) {
  auto* info = fenced<trainhost_source_info>();
  return source(plugin).info(plugin.c, info, nullptr) == TRAINHOST_OK && is_written(*info);
}
bool give_read(const RawPlugin& plugin) { return source(plugin).read(plugin.c, fenced<trainhost_read>(), nullptr, nullptr) == TRAINHOST_OK; }

const Handover kHandovers[] = {{"trainhost_progress", give_progress},
                               {"trainhost_event", give_event},
                               {"trainhost_run_facts", give_run_facts},
                               {"trainhost_device_facts", give_device_facts},
                               {"trainhost_precision_plan", give_precision_plan},
                               {"trainhost_window", give_window},
                               {"trainhost_source_info", give_source_info},
                               {"trainhost_read", give_read}};
// What plugins give to hosts: the test cases at the end.
const std::set<std::string> kGivenByPlugins = {"trainhost_object", "trainhost_probe"};

std::string config(const char* way) { return format(R"({{"way":"{}","expect":{}}})", way, kPretended); }

}  // namespace

BOOST_AUTO_TEST_SUITE(fence_test)

BOOST_AUTO_TEST_CASE(every_struct_that_grows_is_tested) {
  std::set<std::string> tested = kGivenByPlugins, recorded;
  for (const Handover& handover : kHandovers) tested.insert(handover.name);
  std::ifstream golden(TRAINHOST_SOURCE_DIR "/sdk/abi/golden.txt");
  std::smatch match;
  for (std::string line; std::getline(golden, line);)
    if (std::regex_search(line, match, std::regex("^grows (\\w+):"))) recorded.insert(match[1]);
  BOOST_TEST(recorded.size() >= 10);
  BOOST_TEST(tested == recorded, boost::test_tools::per_element());
}

BOOST_DATA_TEST_CASE(a_plugin_that_asks_for_the_size_is_fine_everywhere, boost::unit_test::data::make(kHandovers), handover) {
  BOOST_TEST(end_of([&] { return handover.give(RawPlugin("next_both/next.so", "next_rule", config("careful"))); }) == End::kFine);
}

BOOST_DATA_TEST_CASE(a_plugin_that_does_not_ask_is_stopped_in_an_older_host, boost::unit_test::data::make(kHandovers), handover) {
  const End wanted = kIsNext ? End::kFine : End::kFault;
  BOOST_TEST(end_of([&] { return handover.give(RawPlugin("next_both/next.so", "next_rule", config("reckless"))); }) == wanted);
}

// The frozen file puts its object and its probe before fences of their own. The next host has larger ones of both.
BOOST_AUTO_TEST_CASE(a_host_that_asks_for_the_size_of_a_probe_is_fine) {
  const auto ends = [](uint32_t bytes) {
    return end_of([&] {
      RawPlugin plugin("1.0/frozen.so", "frozen_accum", "{}");
      plugin.host.bytes_of_probe = bytes;
      auto progress = given<trainhost_progress>();
      auto window = given<trainhost_window>();
      return schedule(plugin).next_window(plugin.c, &progress, &window, nullptr) == TRAINHOST_OK;
    });
  };
  BOOST_TEST(ends(0) == End::kFine);
  BOOST_TEST(ends(sizeof(trainhost_probe)) == (kIsNext ? End::kFault : End::kFine));
}

BOOST_AUTO_TEST_CASE(a_host_that_does_not_ask_for_the_size_of_an_object_is_stopped) {
  const TemporaryFolder folder;
  const auto ends = [&](int32_t (*visit)(void*, const trainhost_object*)) {
    return end_of([&] {
      RawPlugin plugin("1.0/frozen.so", "frozen_backend", format(R"({{"uri":"frozen:{}"}})", folder.path().string()));
      const auto& backend = plugin.table<trainhost_checkpoint_backend>(TRAINHOST_CHECKPOINT_BACKEND);
      uint64_t seen = 0;
      return plugin.c->start(plugin.c, nullptr) == TRAINHOST_OK && backend.create(plugin.c, {"key", 3}, "bytes", 5, nullptr) == TRAINHOST_OK &&
             backend.list(plugin.c, {"", 0}, &seen, visit, nullptr) == TRAINHOST_OK && seen == 5;
    });
  };
  const auto careful = [](void* seen, const trainhost_object* object) -> int32_t { return *static_cast<uint64_t*>(seen) = object->size, 0; };
  const auto reckless = [](void* seen, const trainhost_object* object) -> int32_t {
    const auto* bytes = reinterpret_cast<const volatile char*>(object);
    const char last = bytes[sizeof *object - 1];  // as large as this host believes that it is
    return *static_cast<uint64_t*>(seen) = object->size, last;
  };
  BOOST_TEST(ends(careful) == End::kFine);
  BOOST_TEST(ends(reckless) == (kIsNext ? End::kFault : End::kFine));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
