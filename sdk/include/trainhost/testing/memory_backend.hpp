// A checkpoint backend in memory that keeps every promise, for decorators to wrap in tests. Beside the headers of the C++ glue only.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "trainhost/cpp/checkpoint_backend.hpp"
#include "trainhost/cpp/define.hpp"
#include "trainhost/testing/objects.hpp"

namespace trainhost::testing {

// What lies in a place. Several backends may share one, as processes do.
struct MemoryPlace {
  std::mutex mutex;
  std::map<std::string, std::string, std::less<>> objects;
  // Called before every call takes effect, with its function ("put_commit") and key; throws what the call shall fail with. May be empty.
  std::function<void(std::string_view function, std::string_view key)> before;

  // A copy, for looking at while others write.
  std::map<std::string, std::string, std::less<>> snapshot() {
    const std::lock_guard lock(mutex);
    return objects;
  }
};

class MemoryBackend final : public sdk::CheckpointBackend {
 public:
  using Bytes = std::span<const std::byte>;
  explicit MemoryBackend(MemoryPlace& place) : place_(place) {}

  std::unique_ptr<Put> put_begin(std::string_view key, std::uint64_t size, std::uint64_t& part_bytes) override {
    ask("put_begin", key);
    const std::lock_guard lock(place_.mutex);
    if (place_.objects.contains(key)) throw PluginError(TRAINHOST_ALREADY_EXISTS, format("{}: the key is used", key));
    part_bytes = std::clamp<std::uint64_t>(part_bytes / 4096, 1, 1 << 20) * 4096;
    return std::make_unique<Upload>(*this, key, size);
  }
  void create(std::string_view key, Bytes bytes) override {
    ask("create", key);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::lock_guard lock(place_.mutex);
    if (place_.objects.emplace(key, text).first->second != text) throw PluginError(TRAINHOST_ALREADY_EXISTS, format("{}: holds other bytes", key));
  }
  std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> out) override {
    ask("get", key);
    const std::lock_guard lock(place_.mutex);
    const auto found = place_.objects.find(key);
    if (found == place_.objects.end()) throw PluginError(TRAINHOST_NOT_FOUND, format("{}: there is no such object", key));
    const std::string& bytes = found->second;
    const std::size_t size = offset >= bytes.size() ? 0 : std::min<std::size_t>(out.size(), bytes.size() - offset);
    if (size > 0) std::memcpy(out.data(), bytes.data() + offset, size);
    return size;
  }
  void list(std::string_view prefix, const Visit& visit) override {
    if (place_.before) place_.before("list", prefix);
    for (const auto& [key, bytes] : place_.snapshot())
      if (key.starts_with(prefix) && !visit({key, bytes.size(), 0})) return;
  }
  void remove(std::string_view key) override {
    ask("remove", key);
    const std::lock_guard lock(place_.mutex);
    if (const auto found = place_.objects.find(key); found != place_.objects.end()) place_.objects.erase(found);
  }

 private:
  class Upload final : public Put {
   public:
    Upload(MemoryBackend& backend, std::string_view key, std::uint64_t size) : backend_(backend), key_(key), bytes_(size, '\0') {}
    void part(std::uint64_t offset, Bytes bytes, std::uint32_t crc32c) override {
      backend_.ask("put_part", key_);
      const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      if (part_crc32c(text) != crc32c) throw PluginError(TRAINHOST_DATA_LOSS, format("{}: the part at {} was changed on the way", key_, offset));
      const std::lock_guard lock(mutex_);
      if (offset > bytes_.size() || bytes.size() > bytes_.size() - offset) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "the part lies outside of its object");
      if (!text.empty()) std::memcpy(bytes_.data() + offset, text.data(), text.size());
      parts_[offset] = text.size();
    }
    void commit() override {
      backend_.ask("put_commit", key_);
      std::size_t written = 0;
      for (const auto& [offset, size] : parts_) written += size;
      if (written != bytes_.size()) throw PluginError(TRAINHOST_FAILED_PRECONDITION, format("{}: parts are missing", key_));
      const std::lock_guard lock(backend_.place_.mutex);
      if (!backend_.place_.objects.emplace(key_, std::move(bytes_)).second) throw PluginError(TRAINHOST_ALREADY_EXISTS, format("{}: the key is used", key_));
    }
    void abort() override {}

   private:
    MemoryBackend& backend_;
    std::string key_, bytes_;
    std::mutex mutex_;
    std::map<std::uint64_t, std::size_t> parts_;
  };

  void ask(std::string_view function, std::string_view key) const {
    bool is_sound = !key.empty() && key.size() <= 512;
    for (const char c : key) is_sound = is_sound && (std::isalnum(static_cast<unsigned char>(c)) || (c != '\0' && std::strchr("._-/", c)));
    for (const std::string_view part : {"//", "/./", "/../"}) is_sound = is_sound && format("/{}/", key).find(part) == std::string::npos;
    if (!is_sound) throw PluginError(TRAINHOST_INVALID_ARGUMENT, "this is no key");
    if (place_.before) place_.before(function, key);
  }

  MemoryPlace& place_;
};

// The backend as an instance for FakeHost::upstreams. The place and the host outlive it.
class MemoryUpstream {
 public:
  MemoryUpstream(MemoryPlace& place, const trainhost_host* host) : instance_(new detail::Instance(host, kRegistration, {})) {
    instance_->object = std::make_unique<MemoryBackend>(place);
  }
  MemoryUpstream(const MemoryUpstream&) = delete;
  MemoryUpstream& operator=(const MemoryUpstream&) = delete;
  ~MemoryUpstream() { if (instance_) instance_->c.destroy(&instance_->c); }

  trainhost_instance* get() const { return &instance_->c; }
  // The caller destroys it.
  trainhost_instance* release() { return &std::exchange(instance_, nullptr)->c; }

 private:
  struct Nothing final : sdk::Plugin {};
  static constexpr detail::Registration kRegistration{{}, [](std::string_view) -> std::unique_ptr<sdk::Plugin> { return std::make_unique<Nothing>(); }, false};
  detail::Instance* instance_;
};

}  // namespace trainhost::testing
