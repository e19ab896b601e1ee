// A source of 100 samples and a backend over a map, through the C++ glue.
#include "conformance/upstreams.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include "trainhost/plugin.hpp"

namespace trainhost::conformance {
namespace {

class MemorySource final : public DataSource {
 public:
  MemorySource() {
    info_.fields = {{"tokens", TRAINHOST_FIELD_INPUT, kUInt8, {8}, {}, 256, -1}, {"label", TRAINHOST_FIELD_TARGET, kInt64, {}, {}, 10, -1}};
    info_.num_samples = 100, info_.block_starts = {0, 40, 80}, info_.fingerprint.fill(7);
  }
  const SourceInfo& info() override { return info_; }
  void read(std::span<const std::uint64_t> ids, std::span<const std::uint64_t>, BatchWriter& out) override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto tokens = out.reserve(i, 0, {8}).as<std::uint8_t>();
      for (std::size_t k = 0; k < tokens.size(); ++k) tokens[k] = static_cast<std::uint8_t>(ids[i] * 31 + k);
      out.reserve(i, 1, std::span<const std::int64_t>()).as<std::int64_t>()[0] = static_cast<std::int64_t>(ids[i] % 10);
    }
  }

 private:
  SourceInfo info_;
};

struct Objects {
  std::mutex mutex;
  std::map<std::string, std::string, std::less<>> bytes;
};

Objects& objects_of(const std::string& place) {
  static std::mutex mutex;
  static std::map<std::string, Objects> places;
  const std::lock_guard lock(mutex);
  return places[place];
}

void check_key(std::string_view key) {
  bool is_sound = !key.empty() && key.size() <= 512;
  for (const char c : key) is_sound = is_sound && (std::isalnum(static_cast<unsigned char>(c)) || (c != '\0' && std::strchr("._-/", c)));
  for (const std::string_view part : {"//", "/./", "/../"}) is_sound = is_sound && format("/{}/", key).find(part) == std::string::npos;
  if (!is_sound) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "this is no key");
}

class MemoryPut final : public CheckpointBackend::Put {
 public:
  MemoryPut(Objects& objects, std::string_view key, std::uint64_t size) : objects_(objects), key_(key), bytes_(size, '\0') {}
  void part(std::uint64_t offset, std::span<const std::byte> bytes, std::uint32_t) override {
    const std::lock_guard lock(mutex_);
    if (offset > bytes_.size() || bytes.size() > bytes_.size() - offset) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "the part lies outside of its object");
    std::memcpy(bytes_.data() + offset, bytes.data(), bytes.size());
    parts_[offset] = bytes.size();
  }
  void commit() override {
    std::size_t written = 0;
    for (const auto& [offset, size] : parts_) written += size;
    if (written != bytes_.size()) throw PluginError(TRAINHOST_FAILED_PRECONDITION, "parts are missing");
    const std::lock_guard lock(objects_.mutex);
    if (!objects_.bytes.emplace(key_, std::move(bytes_)).second) throw PluginError(TRAINHOST_ALREADY_EXISTS, "the key is used");
  }
  void abort() override {}

 private:
  Objects& objects_;
  std::string key_, bytes_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::size_t> parts_;
};

class MemoryBackend final : public CheckpointBackend {
 public:
  explicit MemoryBackend(const std::string& place) : objects_(objects_of(place)) {}

  std::unique_ptr<Put> put_begin(std::string_view key, std::uint64_t size, std::uint64_t& part_bytes) override {
    check_key(key);
    const std::lock_guard lock(objects_.mutex);
    if (objects_.bytes.contains(key)) throw PluginError(TRAINHOST_ALREADY_EXISTS, "the key is used");
    part_bytes = std::max<std::uint64_t>(1, (part_bytes + 4095) / 4096) * 4096;
    return std::make_unique<MemoryPut>(objects_, key, size);
  }
  void create(std::string_view key, std::span<const std::byte> bytes) override {
    check_key(key);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::lock_guard lock(objects_.mutex);
    if (objects_.bytes.emplace(key, text).first->second != text) throw PluginError(TRAINHOST_ALREADY_EXISTS, "the key holds other bytes");
  }
  std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> out) override {
    const std::lock_guard lock(objects_.mutex);
    const auto found = objects_.bytes.find(key);
    if (found == objects_.bytes.end()) throw PluginError(TRAINHOST_NOT_FOUND, "there is no such object");
    const std::string& bytes = found->second;
    const std::size_t size = offset >= bytes.size() ? 0 : std::min<std::size_t>(out.size(), bytes.size() - offset);
    if (size > 0) std::memcpy(out.data(), bytes.data() + offset, size);
    return size;
  }
  void list(std::string_view prefix, const Visit& visit) override {
    std::vector<std::pair<std::string, std::uint64_t>> found;
    {
      const std::lock_guard lock(objects_.mutex);
      for (const auto& [key, bytes] : objects_.bytes)
        if (key.starts_with(prefix)) found.emplace_back(key, bytes.size());
    }
    for (const auto& [key, size] : found)
      if (!visit({key, size, 0})) return;
  }
  void remove(std::string_view key) override {
    const std::lock_guard lock(objects_.mutex);
    if (const auto found = objects_.bytes.find(key); found != objects_.bytes.end()) objects_.bytes.erase(found);
  }

 private:
  Objects& objects_;
};

// The place comes as the config, which the glue hands to whatever makes the object.
constexpr detail::Registration kSource{{}, [](std::string_view) -> std::unique_ptr<Plugin> { return std::make_unique<MemorySource>(); }, false};
constexpr detail::Registration kBackend{
    {}, [](std::string_view place) -> std::unique_ptr<Plugin> { return std::make_unique<MemoryBackend>(std::string(place)); }, false};

}  // namespace

OwnedInstance make_upstream(const std::string& kind, const trainhost_host* host, const std::string& place) {
  const detail::Registration* registration = kind == "data_source" ? &kSource : kind == "checkpoint_backend" ? &kBackend : nullptr;
  return OwnedInstance(registration ? &(new detail::Instance(host, *registration, place))->c : nullptr);
}

}  // namespace trainhost::conformance
