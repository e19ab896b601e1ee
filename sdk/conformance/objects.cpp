// Calls to a backend with everything that comes back checked.
#include "conformance/objects.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>

namespace trainhost::conformance {
namespace {

constexpr std::size_t kAlignment = 4096;

std::unique_ptr<char, decltype(&std::free)> aligned_copy(std::string_view bytes) {
  std::unique_ptr<char, decltype(&std::free)> copy(static_cast<char*>(std::aligned_alloc(kAlignment, (bytes.size() / kAlignment + 1) * kAlignment)),
                                                   &std::free);
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  return copy;
}

}  // namespace

Said Store::try_begin(std::string_view key, std::uint64_t size, Upload& upload, std::uint64_t wished_part_bytes) const {
  upload = {nullptr, wished_part_bytes};
  const Said said = ask("put_begin", table().put_begin, plugin_.c(), c_string(key), size, &upload.part_bytes, &upload.put);
  require(said.is_ok() == (upload.put != nullptr), said.is_ok() ? "put_begin says OK, but gives no put" : "put_begin failed, but gives a put");
  if (said.is_ok())
    require(upload.part_bytes > 0 && upload.part_bytes % kAlignment == 0, "put_begin wants parts of {} bytes, which is no multiple of {}", upload.part_bytes,
            kAlignment);
  return said;
}

Said Store::part_with_crc(const Upload& upload, std::uint64_t offset, std::string_view bytes, std::uint32_t crc) const {
  const auto copy = aligned_copy(bytes);
  const Said said = ask("put_part", table().put_part, upload.put, offset, static_cast<const void*>(copy.get()), static_cast<std::uint64_t>(bytes.size()), crc);
  std::memset(copy.get(), 0xee, bytes.size());  // the bytes are the host's again
  return said;
}

Said Store::part(const Upload& upload, std::uint64_t offset, std::string_view bytes) const {
  return part_with_crc(upload, offset, bytes, subject_.host.crc32c(bytes));
}

Said Store::commit(const Upload& upload) const { return ask("put_commit", table().put_commit, upload.put); }

void Store::abort(const Upload& upload) const {
  try {
    table().put_abort(upload.put);
  } catch (...) {
    fail_for_exception("put_abort");
  }
}

Said Store::try_put(std::string_view key, std::string_view bytes, std::uint64_t wished_part_bytes) const {
  Upload upload;
  if (const Said said = try_begin(key, bytes.size(), upload, wished_part_bytes); !said.is_ok()) return said;
  for (std::uint64_t offset = 0; offset < bytes.size(); offset += upload.part_bytes) {
    const Said said = part(upload, offset, bytes.substr(offset, upload.part_bytes));
    if (said.is_ok()) continue;
    abort(upload);
    return said;
  }
  return commit(upload);
}

void Store::put(std::string_view key, std::string_view bytes) const {
  const Said said = try_put(key, bytes);
  require(said.is_ok(), "putting {} bytes under \"{}\": {}", bytes.size(), key, text_of(said));
}

Said Store::try_create(std::string_view key, std::string_view bytes) const {
  return ask("create of an object", table().create, plugin_.c(), c_string(key), static_cast<const void*>(bytes.data()),
             static_cast<std::uint64_t>(bytes.size()));
}

Said Store::try_get(std::string_view key, std::uint64_t offset, std::uint64_t size, std::string& bytes) const {
  const GuardedMemory memory(size, "the bytes that get writes");
  std::uint64_t got = 0;
  const Said said = ask("get", table().get, plugin_.c(), c_string(key), offset, static_cast<void*>(memory.data()), size, &got);
  require(!said.is_ok() || got <= size, "get says {} bytes, {} were asked for", got, size);
  bytes.assign(reinterpret_cast<const char*>(memory.data()), said.is_ok() ? got : 0);
  return said;
}

std::string Store::get(std::string_view key, std::uint64_t offset, std::uint64_t size) const {
  std::string bytes;
  const Said said = try_get(key, offset, size, bytes);
  require(said.is_ok(), "get \"{}\": {}", key, text_of(said));
  return bytes;
}

bool Store::has(std::string_view key) const {
  std::string bytes;
  const Said said = try_get(key, 0, 1, bytes);
  require(said.is_ok() || said.status == TRAINHOST_NOT_FOUND, "get of \"{}\", which is not there: {}; wanted NOT_FOUND", key, text_of(said));
  return said.is_ok();
}

std::vector<Store::Found> Store::list(std::string_view prefix, std::size_t most) const {
  struct Visit {
    std::vector<Found> found;
    std::size_t most;
    bool was_stopped = false;
    bool went_on = false;
  } visit{{}, most};
  const auto take = [](void* context, const trainhost_object* object) -> std::int32_t {
    Visit& self = *static_cast<Visit*>(context);
    self.went_on = self.went_on || self.was_stopped;
    self.found.push_back({std::string(view(object->key)), object->size});
    return self.was_stopped = self.found.size() >= self.most;
  };
  expect("list", table().list, plugin_.c(), c_string(prefix), static_cast<void*>(&visit), +take);
  require(!visit.went_on, "list visits on after a visit that returned not 0");
  for (std::size_t i = 0; i < visit.found.size(); ++i) {
    require(visit.found[i].key.starts_with(prefix), "list of \"{}\" visits \"{}\"", prefix, visit.found[i].key);
    require(i == 0 || visit.found[i - 1].key < visit.found[i].key, "list visits \"{}\" after \"{}\"; wanted the bytewise order of the keys, each once",
            visit.found[i].key, visit.found[i ? i - 1 : 0].key);
  }
  return std::move(visit.found);
}

Said Store::try_remove(std::string_view key) const { return ask("remove", table().remove, plugin_.c(), c_string(key)); }

Said try_copy(const Specimen& plugin, std::uint32_t place, std::string_view key, std::uint64_t offset, std::uint64_t size, std::string& bytes) {
  const GuardedMemory memory(size, "the bytes that get_copy writes");
  std::uint64_t got = 0;
  const Said said = ask("get_copy", plugin.need<trainhost_checkpoint_copies>(TRAINHOST_CHECKPOINT_COPIES).get_copy, plugin.c(), place, c_string(key), offset,
                        static_cast<void*>(memory.data()), size, &got);
  require(!said.is_ok() || got <= size, "get_copy says {} bytes, {} were asked for", got, size);
  bytes.assign(reinterpret_cast<const char*>(memory.data()), said.is_ok() ? got : 0);
  return said;
}

std::string random_bytes(std::size_t size, std::uint64_t seed) {
  std::string bytes(size, '\0');
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + i, &word, std::min(sizeof word, size - i));
  }
  return bytes;
}

}  // namespace trainhost::conformance
