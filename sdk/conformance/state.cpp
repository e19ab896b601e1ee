// Questions about the state that a plugin keeps over a resume.
#include "trainhost/state.h"

#include <cstring>
#include <random>

#include "conformance/kind_calls.h"
#include "conformance/questions.h"

namespace trainhost::conformance {
namespace {

const trainhost_state& state_of(const Specimen& plugin) { return plugin.need<trainhost_state>(TRAINHOST_STATE); }

void need_state(const Subject& subject) {
  if (!subject.record().is_stateful) skip("it says that it has no state");
}

// A writer that takes so many bytes and then fails.
struct Sink {
  std::string bytes;
  std::size_t room = std::size_t{16} << 20;
  static constexpr std::string_view kWords = "the disk of this question is full";

  static trainhost_status write(void* impl, const void* bytes, std::uint64_t size, trainhost_error* error) {
    Sink& sink = *static_cast<Sink*>(impl);
    if (size > sink.room - sink.bytes.size()) return detail::fail(error, TRAINHOST_RESOURCE_EXHAUSTED, kWords);
    sink.bytes.append(static_cast<const char*>(bytes), size);
    return TRAINHOST_OK;
  }
};

Said try_save(const Specimen& plugin, Sink& sink) {
  const trainhost_writer writer{&sink, &Sink::write};
  return ask("save", state_of(plugin).save, plugin.c(), &writer);
}

std::string save(const Specimen& plugin) {
  Sink sink;
  const Said said = try_save(plugin, sink);
  require(said.is_ok(), "save: {}", text_of(said));
  return sink.bytes;
}

// Hands the bytes over at the given distance from an address that is aligned for everything, and in front of a guard page.
Said load(const Specimen& plugin, const Subject& subject, std::string_view state, std::size_t misalignment = 0) {
  const std::size_t padding = (misalignment + 16 - state.size() % 16) % 16;  // 0 ends at the page
  const GuardedMemory memory(state.size() + (misalignment ? padding : 0), "the state that was handed to load");
  std::memcpy(memory.data(), state.data(), state.size());
  return ask("load", state_of(plugin).load, plugin.c(), c_string(subject.record().version), static_cast<const void*>(memory.data()), state.size());
}

// The state after some use.
std::string used_state(const Subject& subject) {
  Specimen plugin(subject);
  plugin.begin();
  if (const KindCalls* calls = calls_of(subject.record().kind)) (void)calls->use(plugin);
  const std::string state = save(plugin);
  require(save(plugin) == state, "two saves of one state are not the same bytes");
  return state;
}

void save_load_save_is_equal(const Subject& subject) {
  need_state(subject);
  const std::string state = used_state(subject);
  Specimen other(subject);
  other.create();
  const Said said = load(other, subject, state);
  require(said.is_ok(), "load of what save wrote: {}", text_of(said));
  require(save(other) == state, "saved, loaded and saved again, the state is other bytes: {} and {} of them", state.size(), save(other).size());
  other.start();
  require(save(other) == state, "start changes the state that was loaded");
}

void loads_from_any_address(const Subject& subject) {
  need_state(subject);
  const std::string state = used_state(subject);
  for (const std::size_t misalignment : {1, 2, 3, 7}) {
    Specimen plugin(subject);
    plugin.create();
    const Said said = load(plugin, subject, state, misalignment);
    require(said.is_ok(), "load from an odd address: {}", text_of(said));
    require(save(plugin) == state, "loaded from an odd address, the state is other bytes");
  }
}

void check_refused(const Specimen& plugin, const Subject& subject, std::string_view what, std::string_view state) {
  const std::string before = save(plugin);
  const Said said = load(plugin, subject, state);
  require(!said.is_ok(), "load takes {}; a state that is cut or odd is DATA_LOSS", what);
  require(save(plugin) == before, "load refused {}, but has changed the state; it is all or nothing", what);
}

void refuses_damaged_state(const Subject& subject) {
  need_state(subject);
  const std::string state = used_state(subject);
  std::mt19937_64 random(subject.seed);
  Specimen plugin(subject);
  plugin.create();
  require(!state.empty(), "save wrote no bytes; leave \"stateful\" out when there is nothing to keep");
  check_refused(plugin, subject, "no bytes at all", "");
  for (std::size_t size = state.size(); size-- > 1;)
    if (size < 64 || random() % 16 == 0)
      check_refused(plugin, subject, format("its first {} of {} bytes", size, state.size()), std::string_view(state).substr(0, size));
  check_refused(plugin, subject, "its bytes with one more behind them", state + '\0');
  for (const std::size_t size : {std::size_t{3}, std::size_t{97}, std::size_t{1} << 20}) {
    if (size == state.size()) continue;
    std::string noise(size, '\0');
    for (char& byte : noise) byte = static_cast<char>(random());
    check_refused(plugin, subject, format("{} random bytes", size), noise);
  }
  for (int i = 0; i < 200; ++i) {  // of the right size they may be a state; a refusal still changes nothing
    std::string noise = state;
    noise[random() % noise.size()] = static_cast<char>(random());
    const std::string before = save(plugin);
    if (!load(plugin, subject, noise).is_ok()) require(save(plugin) == before, "load refused a changed byte, but has changed the state; it is all or nothing");
  }
}

void passes_a_failed_write_on(const Subject& subject) {
  need_state(subject);
  Specimen plugin(subject);
  plugin.begin();
  const std::string state = save(plugin);
  for (std::size_t room = 0; room < state.size(); room += 1 + state.size() / 50) {
    Sink sink{.bytes = {}, .room = room};
    const Said said = try_save(plugin, sink);
    require(said.status == TRAINHOST_RESOURCE_EXHAUSTED, "the write failed with RESOURCE_EXHAUSTED after {} bytes, save answered {}; pass it on unchanged",
            room, text_of(said));
    require(said.words == Sink::kWords, "the write failed with \"{}\", save says \"{}\"; pass it on unchanged", Sink::kWords, said.words);
  }
  require(save(plugin) == state, "after a save that failed, the state is other bytes");
}

constexpr Question kStateQuestions[] = {
    {"state/save_load_save_is_equal", "Saved, loaded and saved again, the state is the same bytes", "", Scope::kPlugin, answer<save_load_save_is_equal>},
    {"state/loads_from_any_address", "The bytes of a state may lie at any address", "", Scope::kPlugin, answer<loads_from_any_address>},
    {"state/refuses_damaged_state", "A state that is empty, cut or odd is refused and changes nothing", "", Scope::kPlugin, answer<refuses_damaged_state>},
    {"state/passes_a_failed_write_on", "A write that fails is returned from save unchanged", "", Scope::kPlugin, answer<passes_a_failed_write_on>},
};

}  // namespace

std::span<const Question> state_questions() { return kStateQuestions; }

}  // namespace trainhost::conformance
