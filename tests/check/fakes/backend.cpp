// A checkpoint backend whose objects live in this process, by the place in its settings.
#include <trainhost/checkpoint_copies.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "misfit.h"

MISFIT_RECORD("checkpoint_backend", ",\"schemes\":[\"file\"]");

namespace {

struct Place {
  std::mutex mutex;
  std::map<std::string, std::string> objects;
};

Place& place_of(const Misfit& self) {
  static std::mutex mutex;
  static std::map<std::string, Place> places;
  const std::lock_guard lock(mutex);
  if (self.is("forgets_at_restart")) return places[std::to_string(reinterpret_cast<uintptr_t>(&self))];
  return places[self.config.substr(self.config.find("\"uri\":"))];
}

uint32_t crc32c(const unsigned char* bytes, uint64_t size) {
  static const auto table = [] {
    std::vector<uint32_t> out(256);
    for (uint32_t i = 0; i < 256; ++i) {
      out[i] = i;
      for (int bit = 0; bit < 8; ++bit) out[i] = (out[i] >> 1) ^ (out[i] & 1 ? 0x82f63b78u : 0);
    }
    return out;
  }();
  uint32_t crc = ~0u;
  for (uint64_t i = 0; i < size; ++i) crc = table[(crc ^ bytes[i]) & 0xff] ^ (crc >> 8);
  return ~crc;
}

bool is_key(std::string_view key) {
  if (key.empty() || key.size() > 512 || key.front() == '/' || key.back() == '/' || key.find("//") != key.npos) return false;
  for (const char c : key)
    if (!std::isalnum(static_cast<unsigned char>(c)) && !std::strchr("._-/", c)) return false;
  const std::string parts = "/" + std::string(key) + "/";
  return std::strlen(parts.c_str()) == parts.size() && parts.find("/./") == parts.npos && parts.find("/../") == parts.npos;
}

std::string text(trainhost_string string) { return {string.data, string.length}; }

trainhost_status refuse_key(const Misfit& self, trainhost_error* error, const std::string& key) {
  if (is_key(key) || self.is("takes_any_key")) return TRAINHOST_OK;
  return fail_oddly(self, error, TRAINHOST_INVALID_ARGUMENT, "that is no key");
}

}  // namespace

struct trainhost_put {
  Misfit& self;
  std::string key, bytes;
  uint64_t part_bytes, num_written = 0;
  bool is_damaged = false;
  std::set<uint64_t> offsets = {};
  std::mutex mutex = {};
};

namespace {

trainhost_status put_begin(trainhost_instance* instance, trainhost_string key, uint64_t size, uint64_t* part_bytes, trainhost_put** put,
                           trainhost_error* error) {
  Misfit& self = of(instance);
  if (const trainhost_status status = refuse_key(self, error, text(key)); status != TRAINHOST_OK) return status;
  Place& place = place_of(self);
  const std::lock_guard lock(place.mutex);
  if (place.objects.contains(text(key)) && !self.is("overwrites")) return say(error, TRAINHOST_ALREADY_EXISTS, "the key is used");
  if (self.is("no_large_objects") && size > 50'000'000) return say(error, TRAINHOST_RESOURCE_EXHAUSTED, "that is too much");
  *part_bytes = self.is("odd_parts") ? 1000 : (*part_bytes + 4095) / 4096 * 4096;
  *put = new trainhost_put{self, text(key), std::string(size, '\0'), *part_bytes};
  if (self.is("shows_at_begin")) place.objects[text(key)] = "";
  return TRAINHOST_OK;
}

trainhost_status put_part(trainhost_put* put, uint64_t offset, const void* bytes, uint64_t size, uint32_t crc, trainhost_error* error) {
  const std::lock_guard lock(put->mutex);
  const bool is_sound = crc32c(static_cast<const unsigned char*>(bytes), size) == crc;
  if (!is_sound && !put->self.is("checks_no_sums")) return say(error, TRAINHOST_DATA_LOSS, "the checksum is another one");
  if (put->self.is("wants_parts_in_order") && offset != put->num_written) return say(error, TRAINHOST_INTERNAL, "not in order");
  if (put->self.is("parts_from_one_thread_only")) {
    static thread_local trainhost_put* mine = nullptr;
    if (put->num_written > 0 && mine != put) return say(error, TRAINHOST_INTERNAL, "another thread began it");
    mine = put;
  }
  std::memcpy(put->bytes.data() + offset, bytes, size);
  if (put->offsets.insert(offset).second) put->num_written += size;
  return TRAINHOST_OK;
}

trainhost_status put_commit(trainhost_put* put, trainhost_error* error) {
  Misfit& self = put->self;
  Place& place = place_of(self);
  const std::lock_guard lock(place.mutex);
  const bool is_whole = put->num_written == put->bytes.size() || self.is("takes_holes");
  if (is_whole && self.is("loses_the_last_byte") && !put->bytes.empty()) put->bytes.pop_back();
  if (is_whole) place.objects[put->key] = std::move(put->bytes);
  delete put;
  return is_whole ? TRAINHOST_OK : say(error, TRAINHOST_FAILED_PRECONDITION, "parts are missing");
}

void put_abort(trainhost_put* put) {
  if (put->self.is("keeps_what_was_aborted")) {
    Place& place = place_of(put->self);
    const std::lock_guard lock(place.mutex);
    place.objects[put->key] = put->bytes;
  }
  delete put;
}

trainhost_status create_object(trainhost_instance* instance, trainhost_string key, const void* bytes, uint64_t size, trainhost_error* error) {
  Misfit& self = of(instance);
  if (const trainhost_status status = refuse_key(self, error, text(key)); status != TRAINHOST_OK) return ++self.counter, status;
  if (self.is("no_dotted_keys") && key.data[0] == '.') return say(error, TRAINHOST_INVALID_ARGUMENT, "it likes no dots");
  Place& place = place_of(self);
  std::unique_lock lock(place.mutex);
  const auto found = place.objects.find(text(key));
  const std::string wanted(static_cast<const char*>(bytes), size);
  if (self.is("lets_two_win")) lock.unlock(), ::usleep(2000), lock.lock();
  if (found == place.objects.end() || self.is("create_overwrites")) return place.objects[text(key)] = wanted, TRAINHOST_OK;
  return found->second == wanted ? TRAINHOST_OK : say(error, TRAINHOST_ALREADY_EXISTS, "the key holds other bytes");
}

trainhost_status get(trainhost_instance* instance, trainhost_string key, uint64_t offset, void* out, uint64_t size, uint64_t* got, trainhost_error* error) {
  Misfit& self = of(instance);
  Place& place = place_of(self);
  const std::lock_guard lock(place.mutex);
  const auto found = place.objects.find(text(key));
  if (self.is("changes_after_an_error") && self.counter > 0) return say(error, TRAINHOST_INTERNAL, "it failed before, and stays so");
  if (found == place.objects.end()) return ++self.counter, fail_oddly(self, error, TRAINHOST_NOT_FOUND, "there is no such object");
  const std::string part = found->second.substr(std::min<uint64_t>(offset, found->second.size()), size);
  std::memcpy(out, part.data(), part.size());
  *got = self.is("stops_early") && part.size() > 100 ? part.size() - 1 : part.size();
  return TRAINHOST_OK;
}

trainhost_status list(trainhost_instance* instance, trainhost_string prefix, void* context, int32_t (*visit)(void*, const trainhost_object*),
                      trainhost_error*) {
  Misfit& self = of(instance);
  Place& place = place_of(self);
  const std::lock_guard lock(place.mutex);
  std::vector<std::pair<std::string, uint64_t>> found;
  for (const auto& [key, bytes] : place.objects)
    if (key.starts_with(text(prefix))) found.emplace_back(key, bytes.size());
  if (self.is("lists_backwards")) std::reverse(found.begin(), found.end());
  for (const auto& [key, size] : found) {
    const trainhost_object object{sizeof object, 0, {key.data(), key.size()}, size, 0};
    if (visit(context, &object) != 0 && !self.is("lists_on")) break;
  }
  return TRAINHOST_OK;
}

trainhost_status remove_object(trainhost_instance* instance, trainhost_string key, trainhost_error* error) {
  Misfit& self = of(instance);
  Place& place = place_of(self);
  const std::lock_guard lock(place.mutex);
  if (self.is("removes_nothing")) return TRAINHOST_OK;
  if (self.is("removes_all")) place.objects.clear();
  return place.objects.erase(text(key)) || !self.is("misses_what_is_absent") ? TRAINHOST_OK : say(error, TRAINHOST_NOT_FOUND, "it is not there");
}

// Two places: both are the one map.
trainhost_status get_copy(trainhost_instance* instance, uint32_t place, trainhost_string key, uint64_t offset, void* out, uint64_t size, uint64_t* got,
                          trainhost_error* error) {
  Misfit& self = of(instance);
  const OneAtATime caller(self.is("copies_for_one_thread"));
  if (!caller.is_alone()) return say(error, TRAINHOST_INTERNAL, "somebody else is copying");
  if (self.is("copies_hold_nothing")) return say(error, TRAINHOST_NOT_FOUND, "there is no such object");
  if (self.is("copies_are_lost") && place == 1) return say(error, TRAINHOST_UNAVAILABLE, "the second place is closed");
  if (self.is("copies_begin_at_0")) offset = 0;
  const trainhost_status status = get(instance, key, offset, out, size, got, error);
  if (status == TRAINHOST_NOT_FOUND && self.is("copies_of_nothing")) return *got = 0, TRAINHOST_OK;
  if (status == TRAINHOST_OK && self.is("copies_are_damaged") && place == 1 && *got > 0) static_cast<char*>(out)[*got / 2] ^= 4;
  return status;
}

const void* table_of_kind(const Misfit&, std::string_view id) {
  static const trainhost_checkpoint_copies copies{sizeof copies, 2, get_copy};
  if (id == TRAINHOST_CHECKPOINT_COPIES) return &copies;
  static const trainhost_checkpoint_backend table{sizeof table, 0, put_begin, put_part, put_commit, put_abort, create_object, get, list, remove_object};
  return id == TRAINHOST_CHECKPOINT_BACKEND ? &table : nullptr;
}

}  // namespace

MISFIT_ENTRY("checkpoint_backend")
