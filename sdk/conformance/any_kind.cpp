// Questions for plugins of every kind.
#include <functional>
#include <thread>

#include "conformance/answer.h"
#include "conformance/kind_calls.h"
#include "conformance/process_facts.h"
#include "conformance/questions.h"

namespace trainhost::conformance {
namespace {

constexpr int kCycles = 100, kRounds = 5;
constexpr std::size_t kThreads = 8;

std::string interface_id(const Record& record) { return format("trainhost.{}{}/1", record.is_tied_to_torch ? "torch." : "", record.kind); }

const KindCalls& need_calls(const Subject& subject) {
  const KindCalls* calls = calls_of(subject.record().kind);
  if (!calls) skip("asked by the questions of the kind itself");
  return *calls;
}

void unknown_interface_is_null(const Subject& subject) {
  Specimen plugin(subject);
  plugin.create();
  for (const char* id : {"trainhost.nothing_of_this_name/1", "", "\xff\xfe", "trainhost.state/999"})
    require(plugin.interface(id) == nullptr, "get_interface(\"{}\") is not NULL; what an instance does not have is NULL", id);
}

void has_the_interface_of_its_kind(const Subject& subject) {
  const Record& record = subject.record();
  Specimen plugin(subject);
  plugin.create();
  const std::string id = interface_id(record);
  const void* table = plugin.interface(id.c_str());
  require(table != nullptr, "it has no interface {}", id);
  require(plugin.interface(id.c_str()) == table, "get_interface({}) gave two answers", id);
  require(!record.is_stateful || plugin.interface(TRAINHOST_STATE), "it says \"stateful\": true, but has no {}", TRAINHOST_STATE);
}

void opens_nothing_before_start(const Subject& subject) {
  Specimen plugin(subject);
  plugin.create();  // the first one may load what stays: locales, device files
  plugin.destroy();
  const auto files = files_open_for_writing();
  const std::size_t threads = num_threads();
  plugin.create();
  const std::string opened = added(files, files_open_for_writing());
  require(opened.empty(), "create opened {} for writing; wait for start: `config check` creates and goes no further", opened);
  require(num_threads() <= threads, "create started {} threads; wait for start", num_threads() - threads);
}

// Each with a host of its own, which keeps what the plugin logs.
void cycle(const Subject& subject, int times) {
  for (int i = 0; i < times; ++i) {
    Specimen plugin(subject);
    plugin.create();
    if (i % 10 == 0) plugin.start();
  }
}

void leaks_nothing(const Subject& subject) {
  cycle(subject, 20);  // the first rounds may keep something, such as buffers that grow to their size
  const auto files = open_files();
  const std::size_t threads = num_threads();
  std::size_t grown = 0;
  for (int round = 0; round < kRounds; ++round) {  // a leak grows each time, what the heap keeps for later does not
    const std::size_t before = allocated_bytes();
    cycle(subject, kCycles);
    require(added(files, open_files()).empty(), "{} are open after destroy", added(files, open_files()));
    require(has_at_most_threads(threads), "{} threads run on after destroy; stop joins them", num_threads() - threads);
    const std::size_t after = allocated_bytes();
    if (after < before + 16 * kCycles) return;
    grown += after - before;
  }
  fail("{} more bytes are allocated after {} times create and destroy, {} a time", grown, kRounds * kCycles, grown / (kRounds * kCycles));
}

trainhost_status load_of_no_bytes(const Specimen& plugin, trainhost_error* error) {
  const GuardedMemory nothing(0, "the state that was handed to load");
  return plugin.need<trainhost_state>(TRAINHOST_STATE).load(plugin.c(), c_string("1.0.0"), static_cast<const void*>(nothing.data()), 0, error);
}
constexpr FailingCall kLoadOfNoBytes{"load of no bytes", load_of_no_bytes};

// Makes each call that ought to fail: that of whoever keeps a state on an instance before its start, those of the kind on a started one.
void make_failing_calls(const Subject& subject, Specimen& plugin, const std::function<void(const FailingCall&)>& make) {
  plugin.create();
  if (subject.record().is_stateful) make(kLoadOfNoBytes);
  plugin.begin();
  for (const FailingCall& failing : need_calls(subject).failing_calls) make(failing);
}

void need_failing_calls(const Subject& subject) {
  if (need_calls(subject).failing_calls.empty() && !subject.record().is_stateful) skip("no call of its kind has to fail, and it has no state to refuse");
}

void error_text_stays_in_its_buffer(const Subject& subject) {
  need_failing_calls(subject);
  Specimen plugin(subject);
  make_failing_calls(subject, plugin, [&](const FailingCall& failing) {
    const ErrorText error;
    const trainhost_status status = failing.call(plugin, error.get());
    (void)error.said(failing.what, status);
  });
}

void nobody_wants_the_words(const Subject& subject) {
  need_failing_calls(subject);
  Specimen plugin(subject);
  make_failing_calls(subject, plugin, [&](const FailingCall& failing) {
    const ErrorText error;
    const trainhost_status with_words = failing.call(plugin, error.get()), without = failing.call(plugin, nullptr);
    require(with_words == without, "{} answers {} with error text and {} with NULL", failing.what, text_of(Said{with_words, ""}), text_of(Said{without, ""}));
  });
}

// A state that a used instance has saved; empty for those that keep none.
std::string used_state(const Subject& subject) {
  if (!subject.record().is_stateful) return {};
  Specimen plugin(subject);
  plugin.begin();
  (void)need_calls(subject).use(plugin);
  return plugin.save();
}

std::string use_after(const Subject& subject, bool with_failures) {
  Subject own = subject;  // a place of its own, so that one does not meet what the other has left
  own.scratch = subject.scratch / (with_failures ? "after" : "without");
  const std::string state = used_state(own);
  Specimen plugin(own);
  plugin.create();
  if (const ErrorText error; with_failures && subject.record().is_stateful) (void)load_of_no_bytes(plugin, error.get());
  if (subject.record().is_stateful) plugin.load(state, subject.record().version);
  plugin.start();
  for (const FailingCall& failing : need_calls(subject).failing_calls)
    if (const ErrorText error; with_failures) (void)failing.call(plugin, error.get());
  return need_calls(subject).use(plugin);
}

void works_after_an_error(const Subject& subject) {
  need_failing_calls(subject);
  const std::string sound = use_after(subject, false), after = use_after(subject, true);
  require(sound == after, "after a call that failed it answers otherwise: {}, without it {}", after, sound);
}

// What the threads answered, each its own.
template <class Call>
std::vector<std::string> from_threads(const Call& call) {
  std::vector<std::string> answers(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      try {
        answers[i] = call();
      } catch (const Failed& failed) {
        answers[i] = "failure: " + failed.reason;
      } catch (const std::exception& error) {
        answers[i] = std::string("failure: ") + error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  return answers;
}

void same_from_eight_threads(const Subject& subject) {
  Specimen plugin(subject);
  plugin.begin();
  const std::string id = interface_id(subject.record());
  const auto call = [&] {
    std::string answers;
    for (int i = 0; i < 100; ++i) answers += plugin.interface(id.c_str()) ? '1' : '0', answers += plugin.interface("trainhost.none/1") ? '1' : '0';
    const KindCalls* calls = calls_of(subject.record().kind);
    return calls && calls->use_from_any_thread ? answers + calls->use_from_any_thread(plugin) : answers;
  };
  if (const KindCalls* calls = calls_of(subject.record().kind)) (void)calls->use(plugin);  // so that there is something to read
  const std::string alone = call();
  for (const std::string& answer : from_threads(call)) require(answer == alone, "one of eight threads got {}, a call alone {}", answer, alone);
}

constexpr Question kAnyKindQuestions[] = {
    {"any/has_the_interface_of_its_kind", "It has the interface of its kind, and state if it says so", "", Scope::kPlugin,
     answer<has_the_interface_of_its_kind>},
    {"any/unknown_interface_is_null", "An interface that it does not have is NULL", "", Scope::kPlugin, answer<unknown_interface_is_null>},
    {"any/opens_nothing_before_start", "Before start it has no thread, no socket and no file for writing", "", Scope::kPlugin,
     answer<opens_nothing_before_start>},
    {"any/leaks_nothing", "Created and destroyed a hundred times, it leaves no memory, file or thread", "", Scope::kPlugin, answer<leaks_nothing>},
    {"any/error_text_stays_in_its_buffer", "Failures have words, which stay inside of their buffer", "", Scope::kPlugin,
     answer<error_text_stays_in_its_buffer>},
    {"any/nobody_wants_the_words", "A NULL error is nobody who wants the words", "", Scope::kPlugin, answer<nobody_wants_the_words>},
    {"any/works_after_an_error", "A call that failed changes nothing for those that follow", "", Scope::kPlugin, answer<works_after_an_error>},
    {"any/same_from_eight_threads", "[io] and [any] functions answer the same from eight threads at once", "", Scope::kPlugin, answer<same_from_eight_threads>},
};

}  // namespace

std::span<const Question> any_kind_questions() { return kAnyKindQuestions; }

}  // namespace trainhost::conformance
