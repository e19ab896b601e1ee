// What the plugins of these tests share: instances that are sound until their config names a behaviour, and then break one promise.
//
// Written against the C interface: the C++ glue would keep most of these promises for its author.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <trainhost/plugin.h>
#include <trainhost/state.h>

#ifndef MISFIT_SCHEMA
#define MISFIT_SCHEMA                                                                                          \
  R"({"type":"object","additionalProperties":false,"properties":{"behaviour":{"type":"string","default":""},)" \
  R"("size":{"type":"integer","minimum":1,"maximum":1000,"default":1},"uri":{"type":"string","default":""}}})"
#endif
#ifndef MISFIT_STATEFUL
#define MISFIT_STATEFUL "false"
#endif
#define MISFIT_RECORD(kind, rest)                                                                                                                        \
  __attribute__((section(".trainhost.plugin"), used)) static const char record[] =                                                                       \
      "{\"abi\":1,\"kind\":\"" kind "\",\"name\":\"misfit\",\"version\":\"1.0.0\",\"summary\":\"Breaks one promise\",\"stateful\":" MISFIT_STATEFUL rest \
      ",\"schema\":" MISFIT_SCHEMA "}"

namespace {

struct Misfit {
  trainhost_instance c;
  const trainhost_host* host;
  std::string config;
  uint64_t counter = 0;
  void* own = nullptr;  // of the kind

  // Whether the config says "behaviour":"word".
  bool is(const char* word) const { return config.find("\"behaviour\":\"" + std::string(word) + "\"") != std::string::npos; }
  long size() const {
    const size_t at = config.find("\"size\":");
    return at == std::string::npos ? 1 : std::atol(config.c_str() + at + 7);
  }
};

Misfit& of(trainhost_instance* instance) { return *static_cast<Misfit*>(instance->impl); }

trainhost_status say(trainhost_error* error, trainhost_status status, const std::string& words) {
  if (!error) return status;
  error->message_length = static_cast<uint32_t>(std::min(words.size(), sizeof error->message));
  std::memcpy(error->message, words.data(), error->message_length);
  return status;
}

// A failure, with words as the behaviour wants them.
[[maybe_unused]] trainhost_status fail_oddly(const Misfit& self, trainhost_error* error, trainhost_status status, const std::string& words) {
  if (self.is("needs_error_text")) error->message_length = 0;  // without a look at the pointer
  if (self.is("silent") && error) return status;
  if (self.is("latin1") && error) return say(error, status, "caf\xe9");
  if (self.is("long_words") && error) std::memset(error->message, 'x', sizeof error->message + 1);
  if (self.is("wrong_length") && error) return error->message_length = 60000, status;
  if (self.is("throws")) throw std::runtime_error("thrown on purpose");
  return say(error, status, words);
}

trainhost_status start(trainhost_instance* instance, trainhost_error*) {
  if (of(instance).is("start_changes_state")) ++of(instance).counter;
  return TRAINHOST_OK;
}

// Counts the callers of a function that is for one at a time. Whoever is alone stays a while, so that the others meet him.
class OneAtATime {
 public:
  explicit OneAtATime(bool is_meant) : is_meant_(is_meant) {
    if (!is_meant) return;
    is_alone_ = __sync_add_and_fetch(&num_callers, 1) == 1;
    ::usleep(20'000);  // long enough for a busy machine to let them come
  }
  ~OneAtATime() {
    if (is_meant_) __sync_sub_and_fetch(&num_callers, 1);
  }
  OneAtATime(const OneAtATime&) = delete;
  OneAtATime& operator=(const OneAtATime&) = delete;
  bool is_alone() const { return is_alone_; }

 private:
  static inline int num_callers = 0;
  bool is_meant_, is_alone_ = true;
};

void destroy(trainhost_instance* instance) {
  Misfit& self = of(instance);
  static std::vector<void*> kept;  // in sight, so that a leak checker does not speak first
  if (self.is("leaks_memory")) kept.push_back(std::malloc(100));
  if (self.is("leaks_a_file")) (void)!::open("/dev/null", O_RDONLY);
  if (self.is("leaks_a_thread")) std::thread([] { ::pause(); }).detach();
  delete &self;
}

// What create does wrong, before there is an instance.
[[maybe_unused]] trainhost_status misbehave_in_create(const Misfit& self, trainhost_error* error) {
  if (self.is("crashes")) *static_cast<volatile int*>(nullptr) = 1;
  if (self.is("aborts")) std::abort();
  if (self.is("hangs")) ::pause();
  if (self.is("ends_its_host")) std::exit(0);
  if (self.is("crashes_when_large") && self.size() > 500) std::abort();
  if (self.is("refuses_without_words") && self.size() > 500) return TRAINHOST_INVALID_ARGUMENT;
  if (self.is("early_file")) (void)!::open("/dev/null", O_WRONLY);
  if (self.is("early_thread")) std::thread([] { ::pause(); }).detach();
  if (self.is("tells_the_tunables")) return say(error, TRAINHOST_INVALID_ARGUMENT, std::getenv("GLIBC_TUNABLES"));
  return self.is("refuses_all") ? say(error, TRAINHOST_INVALID_ARGUMENT, "it likes no settings") : TRAINHOST_OK;
}

// ---- state: one number among others, and what can be wrong with keeping it
using State = uint64_t[8];

// In pieces of no byte, one, and primes, as a plugin may write that never has all of its state at once.
trainhost_status write_pieces(const trainhost_writer* writer, const State& state, trainhost_error* error) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(state);
  for (size_t size : {0, 1, 2, 3, 5, 7, 11, 13, 17, 19}) {
    const size_t left = static_cast<size_t>(reinterpret_cast<const unsigned char*>(&state + 1) - bytes);
    if (const trainhost_status status = writer->write(writer->impl, bytes, std::min(size, left), error); status != TRAINHOST_OK) return status;
    bytes += std::min(size, left);
  }
  return TRAINHOST_OK;
}

[[maybe_unused]] trainhost_status save(trainhost_instance* instance, const trainhost_writer* writer, trainhost_error* error) {
  Misfit& self = of(instance);
  if (self.is("save_changes")) ++self.counter;
  const State state = {0x6d697366697400, self.is("forgets") ? 7 : self.counter};
  const trainhost_status status = self.is("saves_in_pieces") ? write_pieces(writer, state, error) : writer->write(writer->impl, state, sizeof state, error);
  if (self.is("hides_failed_writes")) return TRAINHOST_OK;
  return self.is("renames_failed_writes") && status != TRAINHOST_OK ? say(error, TRAINHOST_INTERNAL, "the write failed") : status;
}

[[maybe_unused]] trainhost_status load(trainhost_instance* instance, trainhost_string, const void* bytes, uint64_t size, trainhost_error* error) {
  Misfit& self = of(instance);
  State state = {};
  if (self.is("reads_too_far")) state[0] = static_cast<const volatile unsigned char*>(bytes)[size];
  if (self.is("wants_aligned_state") && reinterpret_cast<uintptr_t>(bytes) % 8 != 0) std::abort();
  if (self.is("half_loads")) self.counter = size + 1000;
  if (size != sizeof state && !self.is("takes_any_state")) {
    if (self.is("latches_after_load")) self.own = &self;
    return fail_oddly(self, error, TRAINHOST_DATA_LOSS, "the state has another size");
  }
  std::memcpy(state, bytes, std::min<size_t>(size, sizeof state));
  if (state[0] != 0x6d697366697400 && !self.is("takes_any_state")) return say(error, TRAINHOST_DATA_LOSS, "this is no state of a misfit");
  self.counter = self.is("loads_wrongly") ? state[1] + 1 : state[1];
  return TRAINHOST_OK;
}
[[maybe_unused]] constexpr trainhost_state kState{sizeof(trainhost_state), 0, save, load};

// The kind's table, found by its file.
const void* table_of_kind(const Misfit& self, std::string_view id);

const void* get_interface(trainhost_instance* instance, const char* id) {
  const Misfit& self = of(instance);
  const std::string_view wanted = id;
  if (self.is("no_interface")) return nullptr;
  if (self.is("grabs_any_interface")) return &kState;
  if (self.is("knows_one_thread")) {
    static const std::thread::id first = std::this_thread::get_id();
    return std::this_thread::get_id() == first ? table_of_kind(self, wanted) : nullptr;
  }
  if (wanted == TRAINHOST_STATE && std::string_view(MISFIT_STATEFUL) == "true") return &kState;
  return table_of_kind(self, wanted);
}

[[maybe_unused]] Misfit* make(const trainhost_host* host, trainhost_string config) {
  auto* self = new Misfit{{sizeof(trainhost_instance), 0, nullptr, get_interface, start, nullptr, destroy}, host, std::string(config.data, config.length)};
  self->c.impl = self;
  return self;
}

trainhost_status create(const trainhost_host* host, const trainhost_descriptor*, trainhost_string config, trainhost_instance** out, trainhost_error* error) {
  Misfit* self = make(host, config);
  if (const trainhost_status status = misbehave_in_create(*self, error); status != TRAINHOST_OK) {
    delete self;
    return status;
  }
  *out = &self->c;
  return TRAINHOST_OK;
}

}  // namespace

#define MISFIT_ENTRY(kind)                                                                                                                   \
  extern "C" TRAINHOST_EXPORT const trainhost_entry* trainhost_plugin_entry_1(void) {                                                        \
    static const trainhost_descriptor descriptor{sizeof descriptor, 0, {kind, sizeof kind - 1}, {"misfit", 6}, {record, sizeof record - 1}}; \
    static const trainhost_descriptor* const descriptors[] = {&descriptor};                                                                  \
    static const trainhost_entry entry{sizeof entry, TRAINHOST_ABI_MAJOR, 1, 0, descriptors, create};                                        \
    return &entry;                                                                                                                           \
  }
