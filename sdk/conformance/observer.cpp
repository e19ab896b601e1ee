// Questions for observers: a flood of events, events of another time, disks that fail.
#include "trainhost/observer.h"

#include <signal.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

#include "conformance/facts.h"
#include "conformance/faulty_disk.h"
#include "conformance/kind_calls.h"
#include "conformance/process_facts.h"
#include "conformance/questions.h"

namespace trainhost::conformance {
namespace {

constexpr int kFlood = 20000;
constexpr const char* kEvents[] = {"run_start", "step", "evaluation", "checkpoint_saved", "stop", "an_event_of_a_later_version", ""};

Said send(const Specimen& plugin, std::string_view name, const Moment* moment, std::string_view details = "{}") {
  const auto progress = placed_progress(moment ? moment->progress : progress_at(0));
  const auto metrics = testing::c_metrics(moment ? moment->metrics : std::vector<testing::MetricValue>());
  const trainhost_event event{sizeof(trainhost_event),   static_cast<std::uint32_t>(metrics.size()), c_string(name), c_string(details),
                              1'700'000'000'000'000'000, moment ? progress.get() : nullptr,          metrics.data()};
  const Placed<trainhost_event> placed(event, "trainhost_event");
  const Said said = ask("on_event", plugin.need<trainhost_observer>(TRAINHOST_OBSERVER).on_event, plugin.c(), placed.get());
  require(std::memcmp(placed.get(), &event, sizeof event) == 0, "on_event has changed its event; an observer changes nothing");
  require(!moment || std::memcmp(progress.get(), &moment->progress, sizeof moment->progress) == 0,
          "on_event has changed the progress; an observer changes nothing");
  return said;
}

void expect_sent(const Said& said, std::string_view name) { require(said.is_ok(), "event \"{}\": {}", name, text_of(said)); }

std::string use_observer(const Specimen& plugin) {
  std::mt19937_64 random(7);
  std::string answers;
  for (const Moment& moment : made_up_run(random, 20)) answers += text_of(send(plugin, "step", &moment)) + " ";
  return answers;
}

void bears_a_flood(const Subject& subject) {
  std::mt19937_64 random(subject.seed);
  const std::vector<Moment> run = made_up_run(random, 100);
  Specimen plugin(subject);
  plugin.begin();
  std::size_t early_files = 0;
  for (int i = 0; i < kFlood; ++i) {
    expect_sent(send(plugin, "step", &run[static_cast<std::size_t>(i) % run.size()]), "step");
    if (i == 100) early_files = open_files().size();
    if (i == 1000) require(open_files().size() <= early_files + 1, "{} files are open after {} events, {} after 100", open_files().size(), i, early_files);
  }
  plugin.stop();
}

void bears_any_event(const Subject& subject) {
  std::mt19937_64 random(subject.seed);
  const std::vector<Moment> run = made_up_run(random, 100, true);
  Specimen plugin(subject);
  plugin.begin();
  for (const char* name : kEvents) {
    expect_sent(send(plugin, name, nullptr), name);
    for (const Moment& moment : run) expect_sent(send(plugin, name, &moment, R"({"step":3,"text":"caf\u00e9 \"quoted\"","list":[1,{"a":null}]})"), name);
  }
  Moment odd{progress_at(1), {{"a, \"b\"\nc=d", "set/with spaces", 1, 2, 3, 77}}};
  expect_sent(send(plugin, "step", &odd), "step with odd names");
}

// While it lives, this process can make no file longer.
class FullDisk {
 public:
  FullDisk() : old_handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit none{0, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    ::signal(SIGXFSZ, old_handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit old_{};
  sighandler_t old_handler_;
};

void bears_a_full_disk(const Subject& subject) {
  std::mt19937_64 random(subject.seed);
  const std::vector<Moment> run = made_up_run(random, 50);
  Specimen plugin(subject);
  plugin.begin();
  {
    const FullDisk full;
    for (const Moment& moment : run) (void)send(plugin, "step", &moment);  // a failure with words is an answer
  }
  for (const Moment& moment : run) {
    const Said said = send(plugin, "step", &moment);
    require(said.is_ok(), "the disk has room again, but event \"step\" is answered with {}", text_of(said));
  }
  plugin.stop();
}

// Both events of which observers usually write something.
Said send_both(const Specimen& plugin, const Moment& moment) {
  const Said first = send(plugin, "step", &moment), second = send(plugin, "evaluation", &moment);
  return first.is_ok() ? second : first;
}

void bear_failing_writes(const Specimen& plugin, const std::vector<Moment>& run, int error, FaultyDisk& disk) {
  for (const Moment& moment : run) {
    disk.fail_with(error);
    (void)send_both(plugin, moment);  // a failure with words is an answer
    require(!disk.is_tried_for_ever(), "a write that fails with \"{}\" is tried more than {} times; give up, with words", std::strerror(error),
            FaultyDisk::kMostTries);
  }
  disk.be_sound();
  for (const Moment& moment : run) {
    const Said said = send_both(plugin, moment);
    require(said.is_ok(), "writes failed with \"{}\" and work again, but an event is answered with {}", std::strerror(error), text_of(said));
  }
}

// The plugin begins while nothing can be written: it says so, or begins all the same.
void start_on_a_failing_disk(const Subject& subject, FaultyDisk& disk) {
  Specimen plugin(subject);
  plugin.create();
  disk.fail_with(EIO);
  testing::PluginUnderTest& as_it_is = plugin;
  try {
    as_it_is.start();
  } catch (const PluginError& refusal) {
    require(!refusal.message.empty(), "start fails without words where nothing can be written");
  }
  plugin.destroy();
  require(!disk.is_tried_for_ever(), "start or stop tries a write that fails more than {} times; give up, with words", FaultyDisk::kMostTries);
  disk.be_sound();
}

void bears_slow_and_failing_disks(const Subject& subject) {
  std::mt19937_64 random(subject.seed);
  const std::vector<Moment> run = made_up_run(random, 12);
  FaultyDisk disk;
  disk.run([&] {
    {
      Specimen plugin(subject);
      plugin.begin();
      disk.be_slow();
      for (const Moment& moment : run) {
        const Said said = send_both(plugin, moment);
        require(said.is_ok(), "a write takes {} ms, and an event is answered with {}; a slow disk is no failure", FaultyDisk::kSlowWriteMs, text_of(said));
      }
      for (const int error : {ENOSPC, EIO, EDQUOT}) bear_failing_writes(plugin, run, error, disk);
      disk.fail_with(EIO);
      plugin.destroy();
      require(!disk.is_tried_for_ever(), "stop tries a write that fails more than {} times; give up", FaultyDisk::kMostTries);
      disk.be_sound();
    }
    start_on_a_failing_disk(subject, disk);
  });
}

constexpr std::string_view kObserverKind = "observer";
constexpr Question kObserverQuestions[] = {
    {"observer/bears_a_flood", "Twenty thousand events leave no files open and nothing failed", kObserverKind, Scope::kPlugin, answer<bears_a_flood>},
    {"observer/bears_any_event", "Events that it does not know, without progress, with odd numbers and names, are no failure", kObserverKind, Scope::kPlugin,
     answer<bears_any_event>},
    {"observer/bears_a_full_disk", "A full disk is a failure with words, and over when there is room again", kObserverKind, Scope::kPlugin, answer<bears_a_full_disk>},
    {"observer/bears_slow_and_failing_disks", "Slow writes are no failure; failing ones end with words, and are over when writes work again", kObserverKind,
     Scope::kPlugin, answer<bears_slow_and_failing_disks>},
};

}  // namespace

const KindCalls kObserverCalls{kObserverKind, use_observer, nullptr, {}};
std::span<const Question> observer_questions() { return kObserverQuestions; }

}  // namespace trainhost::conformance
