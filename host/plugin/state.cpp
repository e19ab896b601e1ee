// Saving into a bounded buffer, loading out of one.
#include "plugin/state.h"

#include <cassert>

#include "plugin/text.h"

namespace trainhost {
namespace {

struct Buffer {
  std::string bytes;
  bool is_over = false;

  static trainhost_status write(void* impl, const void* bytes, uint64_t size, trainhost_error* error) {
    Buffer& buffer = *static_cast<Buffer*>(impl);
    if (size > State::kMaxBytes - buffer.bytes.size()) {
      buffer.is_over = true;
      write_words(error, "the state is larger than 16 MiB; keep tensors in T2 named tensors");
      return TRAINHOST_RESOURCE_EXHAUSTED;
    }
    try {
      if (size > 0) buffer.bytes.append(static_cast<const char*>(bytes), size);
      return TRAINHOST_OK;
    } catch (const std::exception& failure) {
      write_words(error, failure.what());
      return TRAINHOST_RESOURCE_EXHAUSTED;
    }
  }
};

}  // namespace

bool State::is_offered(const Instance& instance) { return instance.interface(TRAINHOST_STATE) != nullptr; }

State::State(Instance& instance) : instance_(instance), table_(instance.table<trainhost_state>(TRAINHOST_STATE)) {
  instance_.require(TRAINHOST_STATE, {{"save", table_.save}, {"load", table_.load}});
}

std::string State::save() const {
  Buffer buffer;
  const trainhost_writer writer{&buffer, Buffer::write};
  instance_.call("save state", [&](trainhost_error* error) { return table_.save(instance_.handle(), &writer, error); });
  if (buffer.is_over) throw instance_.broken_promise("save state", "said OK although its state is larger than 16 MiB");
  return std::move(buffer.bytes);
}

void State::load(std::string_view saved_by_version, std::string_view bytes) const {
  assert(!instance_.is_started());
  instance_.call("load state",
                 [&](trainhost_error* error) { return table_.load(instance_.handle(), borrow(saved_by_version), bytes.data(), bytes.size(), error); });
}

}  // namespace trainhost
