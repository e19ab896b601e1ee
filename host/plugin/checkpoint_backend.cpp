// Moves bytes through a backend and checks what it says about them.
#include "plugin/checkpoint_backend.h"

#include <utility>

#include "plugin/text.h"

namespace trainhost {
namespace {

// What every backend gives of an object. The struct grows: later fields are read only where struct_size says that they are there.
constexpr size_t kLeastObject = offsetof(trainhost_object, modified_unix_ms) + sizeof(int64_t);

// What list() collects. Objects must come in order, under the prefix.
struct Listing {
  std::string_view prefix;
  std::vector<StoredObject> objects;
  std::string complaint;

  static int32_t visit(void* context, const trainhost_object* object) {
    Listing& listing = *static_cast<Listing*>(context);
    try {
      listing.add(object);
    } catch (const std::exception& failure) {
      listing.complaint = failure.what();
    }
    return listing.complaint.empty() ? 0 : 1;
  }

  void add(const trainhost_object* object) {
    if (!object || object->struct_size < kLeastObject || !object->key.data) {
      complaint = "handed out a damaged object";
      return;
    }
    const std::string_view key(object->key.data, object->key.length);
    if (key.substr(0, prefix.size()) != prefix) complaint = format("listed \"{}\", which does not begin with \"{}\"", clean_text(key, 512), prefix);
    if (!objects.empty() && key <= objects.back().key)
      complaint = format("listed \"{}\" after \"{}\", wanted bytewise order", clean_text(key, 512), objects.back().key);
    objects.push_back({std::string(key), object->size, object->modified_unix_ms});
  }
};

}  // namespace

CheckpointBackend::CheckpointBackend(Instance& instance)
    : instance_(instance), table_(instance.table<trainhost_checkpoint_backend>(TRAINHOST_CHECKPOINT_BACKEND)) {
  instance_.require(TRAINHOST_CHECKPOINT_BACKEND, {{"put_begin", table_.put_begin},
                                                   {"put_part", table_.put_part},
                                                   {"put_commit", table_.put_commit},
                                                   {"put_abort", table_.put_abort},
                                                   {"create", table_.create},
                                                   {"get", table_.get},
                                                   {"list", table_.list},
                                                   {"remove", table_.remove}});
  if (!instance_.interface(TRAINHOST_CHECKPOINT_COPIES)) return;
  copies_ = instance_.table<trainhost_checkpoint_copies>(TRAINHOST_CHECKPOINT_COPIES);
  instance_.require(TRAINHOST_CHECKPOINT_COPIES, {{"get_copy", copies_->get_copy}});
}

CheckpointBackend::Put::Put(Put&& other) noexcept : backend_(other.backend_), put_(std::exchange(other.put_, nullptr)), part_bytes_(other.part_bytes_) {}

CheckpointBackend::Put::~Put() { abort(); }

void CheckpointBackend::Put::part(uint64_t offset, std::span<const std::byte> bytes, uint32_t crc32c) const {
  backend_.instance_.call("put_part",
                          [&](trainhost_error* error) { return backend_.table_.put_part(put_, offset, bytes.data(), bytes.size(), crc32c, error); });
}

void CheckpointBackend::Put::commit() {
  trainhost_put* put = std::exchange(put_, nullptr);  // gone on any return
  backend_.instance_.call("put_commit", [&](trainhost_error* error) { return backend_.table_.put_commit(put, error); });
}

void CheckpointBackend::Put::abort() noexcept {
  trainhost_put* put = std::exchange(put_, nullptr);
  if (put) backend_.instance_.call_quietly("put_abort", [&] { backend_.table_.put_abort(put); });
}

CheckpointBackend::Put CheckpointBackend::begin(std::string_view key, uint64_t size, uint64_t wished_part_bytes) const {
  uint64_t part_bytes = wished_part_bytes;
  trainhost_put* put = nullptr;
  instance_.call("put_begin", [&](trainhost_error* error) { return table_.put_begin(instance_.handle(), borrow(key), size, &part_bytes, &put, error); });
  if (!put) throw instance_.broken_promise("put_begin", "returned OK without a put");
  Put begun(*this, put, part_bytes);
  if (part_bytes == 0 || part_bytes % 4096 != 0)
    throw instance_.broken_promise("put_begin", format("part_bytes is {}, wanted a multiple of 4096 from 4096", part_bytes));
  return begun;
}

bool CheckpointBackend::create(std::string_view key, std::string_view bytes) const {
  const trainhost_status status = instance_.call(
      "create object", [&](trainhost_error* error) { return table_.create(instance_.handle(), borrow(key), bytes.data(), bytes.size(), error); },
      TRAINHOST_ALREADY_EXISTS);
  return status == TRAINHOST_OK;
}

uint64_t CheckpointBackend::get(std::string_view key, uint64_t offset, std::span<std::byte> out) const {
  uint64_t got = 0;
  instance_.call("get", [&](trainhost_error* error) { return table_.get(instance_.handle(), borrow(key), offset, out.data(), out.size(), &got, error); });
  if (got > out.size()) throw instance_.broken_promise("get", format("got {} bytes of {}, more than asked for", got, out.size()));
  return got;
}

uint64_t CheckpointBackend::get_copy(uint32_t place, std::string_view key, uint64_t offset, std::span<std::byte> out) const {
  if (!copies_) return get(key, offset, out);
  uint64_t got = 0;
  instance_.call("get", [&](trainhost_error* error) { return copies_->get_copy(instance_.handle(), place, borrow(key), offset, out.data(), out.size(), &got, error); });
  if (got > out.size()) throw instance_.broken_promise("get_copy", format("got {} bytes of {}, more than asked for", got, out.size()));
  return got;
}

std::vector<StoredObject> CheckpointBackend::list(std::string_view prefix) const {
  Listing listing{prefix, {}, {}};
  instance_.call("list", [&](trainhost_error* error) { return table_.list(instance_.handle(), borrow(prefix), &listing, Listing::visit, error); });
  if (!listing.complaint.empty()) throw instance_.broken_promise("list", listing.complaint);
  return std::move(listing.objects);
}

void CheckpointBackend::remove(std::string_view key) const {
  instance_.call("remove", [&](trainhost_error* error) { return table_.remove(instance_.handle(), borrow(key), error); });
}

}  // namespace trainhost
