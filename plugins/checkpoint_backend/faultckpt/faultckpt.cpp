// A checkpoint backend around another one that is slow, fails, tears and lies on purpose, so that users can see what their runs survive.
#include <algorithm>
#include <atomic>
#include <climits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include <isa-l/crc.h>
#include <trainhost/plugin.hpp>
#include <trainhost/cpp/upstream_backend.hpp>

#include "faults.h"
#include "pace.h"

using namespace trainhost;
using faultckpt::Config;
using faultckpt::Dice;

namespace {

using Bytes = std::span<const std::byte>;

constexpr auto kSchema =
    schema<Config>()
        .key("seed", &Config::seed, "of everything that a probability decides", no_trajectory)
        .key("after_calls", &Config::after_calls, "calls that go well before the first may not", no_trajectory)
        .key("only_keys", &Config::only_keys, "faults happen to keys that contain this text; empty: to all", no_trajectory)
        .key("latency_ms", &Config::latency_ms, "wait before every call", at_least(0), at_most(3.6e6), no_trajectory)
        .key("bytes_per_second", &Config::bytes_per_second, "of all calls together; 0: as fast as it goes", no_trajectory)
        .key("fail_probability", &Config::fail_probability, "that a call fails", at_least(0), at_most(1), no_trajectory)
        .key("fail_every", &Config::fail_every, "every so many calls one fails; 0: none", no_trajectory)
        .key("fail_operations", &Config::fail_operations, "which calls may fail; empty: all",
             one_of("put_begin", "put_part", "put_commit", "create", "get", "list", "remove"), list_or_one, no_trajectory)
        .key("fail_as", &Config::fail_as, "transient: worth a retry; permanent: not", one_of("transient", "permanent"), no_trajectory)
        .key("fail_late", &Config::fail_late, "the call has taken effect when it fails, as when a reply is lost", no_trajectory)
        .key("tear_probability", &Config::tear_probability, "that of an object only the beginning is stored, which is OK", at_least(0), at_most(1), no_trajectory)
        .key("tear_every", &Config::tear_every, "every so many objects one is torn; 0: none", no_trajectory)
        .key("lose_probability", &Config::lose_probability, "that of an object nothing is stored, which is OK", at_least(0), at_most(1), no_trajectory)
        .key("lose_every", &Config::lose_every, "every so many objects one is lost; 0: none", no_trajectory)
        .key("volatile", &Config::is_volatile, "torn and lost objects are whole for the process that wrote them, as in a cache that a power cut empties", no_trajectory)
        .key("flip_probability", &Config::flip_probability, "that a read has one bit flipped", at_least(0), at_most(1), no_trajectory)
        .key("flip_every", &Config::flip_every, "every so many reads one has; 0: none", no_trajectory)
        .key("stale_probability", &Config::stale_probability, "that a list is the one of the time before", at_least(0), at_most(1), no_trajectory)
        .key("stale_every", &Config::stale_every, "every so many lists one is; 0: none", no_trajectory);

std::uint32_t crc32c(Bytes bytes) {
  std::uint32_t crc = ~0u;
  for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), INT_MAX)))  // its length is an int
    crc = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data())), static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX)), crc);
  return ~crc;
}

class FaultyCheckpoints final : public CheckpointBackend {
 public:
  explicit FaultyCheckpoints(Config config)
      : config_(std::move(config)), pace_(config_.latency_ms, config_.bytes_per_second),
        fail_("fail", config_.seed, config_.fail_probability, config_.fail_every), tear_("tear", config_.seed, config_.tear_probability, config_.tear_every),
        lose_("lose", config_.seed, config_.lose_probability, config_.lose_every), flip_("flip", config_.seed, config_.flip_probability, config_.flip_every),
        stale_("stale", config_.seed, config_.stale_probability, config_.stale_every) {}

  void start() override {
    inner_ = UpstreamBackend(host(), 0);
    host().log_warning("checkpoints fail and lie here on purpose, as [faultckpt] says; for tests only");
  }
  void stop() override {
    host().log_info("{} calls failed, {} objects were torn, {} lost, {} reads had a flipped bit, {} lists were stale", fail_.num_fallen(), tear_.num_fallen(),
                    lose_.num_fallen(), flip_.num_fallen(), stale_.num_fallen());
  }

  std::unique_ptr<Put> put_begin(std::string_view key, std::uint64_t size, std::uint64_t& part_bytes) override;
  void create(std::string_view key, Bytes bytes) override;
  std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> out) override;
  void list(std::string_view prefix, const Visit& visit) override;
  void remove(std::string_view key) override;

 private:
  class FaultyPut;
  using Listing = std::vector<UpstreamBackend::Object>;

  // Does a call, or fails before or behind it.
  template <class Work>
  void run(std::string_view operation, std::string_view key, std::uint64_t offset, std::uint64_t bytes, const Work& work) {
    pace_.wait(host(), bytes);
    const auto& operations = config_.fail_operations;
    const bool may_fail = operations.empty() || std::find(operations.begin(), operations.end(), operation) != operations.end();
    ++num_calls_;
    const bool fails = !is_spared(key) && may_fail && fail_.falls(format("{} {} {}", operation, key, offset));
    if (!fails || config_.fail_late) work();
    if (!fails) return;
    const bool is_transient = config_.fail_as == "transient";
    throw PluginError(is_transient ? TRAINHOST_UNAVAILABLE : TRAINHOST_FAILED_PRECONDITION,
                      format("{}: {} fails on purpose ({}{})", key, operation, config_.fail_as, config_.fail_late ? ", after it has taken effect" : ""));
  }

  bool is_spared(std::string_view key) const { return num_calls_ <= config_.after_calls || key.find(config_.only_keys) == std::string_view::npos; }

  // How much of a new object is stored; nullopt: nothing, not even its name.
  std::optional<std::uint64_t> stored_bytes(std::string_view key, std::uint64_t size) {
    if (is_spared(key)) return size;
    if (lose_.falls(key)) return std::nullopt;
    return size > 0 && tear_.falls(key) ? faultckpt::spread(config_.seed, key) % size : size;
  }

  void remember(std::string key, std::string bytes) {
    const std::lock_guard lock(mutex_);
    remembered_[std::move(key)] = std::move(bytes);
  }
  std::optional<std::string> recall(std::string_view key) const {
    const std::lock_guard lock(mutex_);
    const auto found = remembered_.find(key);
    return found == remembered_.end() ? std::nullopt : std::optional(found->second);
  }
  Listing list_with_remembered(std::string_view prefix) const;

  Config config_;
  faultckpt::Pace pace_;
  Dice fail_, tear_, lose_, flip_, stale_;
  UpstreamBackend inner_;
  std::atomic<std::uint64_t> num_calls_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> remembered_;  // what only this process sees whole
  std::map<std::string, Listing, std::less<>> last_lists_;      // by prefix
};

// Stores the first `stored` bytes in the wrapped backend and takes the rest as if it did.
class FaultyCheckpoints::FaultyPut final : public Put {
 public:
  FaultyPut(FaultyCheckpoints& backend, std::string_view key, std::uint64_t size, std::optional<std::uint64_t> stored)
      : backend_(backend), key_(key), size_(size), stored_(stored) {
    if (backend.config_.is_volatile && stored != size) whole_.assign(size, '\0');
  }
  void begin(std::uint64_t& part_bytes) {
    part_bytes = std::max<std::uint64_t>(part_bytes / 4096, 1) * 4096;
    if (!stored_) return;
    inner_.emplace(backend_.inner_.put_begin(key_, *stored_, part_bytes));
    part_bytes = inner_->part_bytes();
  }
  void part(std::uint64_t offset, Bytes bytes, std::uint32_t crc) override {
    backend_.run("put_part", key_, offset, bytes.size(), [&] {
      if (!whole_.empty() && offset <= size_ && bytes.size() <= size_ - offset) std::copy_n(reinterpret_cast<const char*>(bytes.data()), bytes.size(), whole_.data() + offset);
      if (!inner_ || (offset >= *stored_ && *stored_ < size_)) return;
      const bool is_cut = *stored_ < size_ && bytes.size() > *stored_ - offset;
      const Bytes kept = is_cut ? bytes.first(*stored_ - offset) : bytes;
      inner_->part(offset, kept, is_cut ? crc32c(kept) : crc);
    });
  }
  void commit() override {
    backend_.run("put_commit", key_, 0, 0, [&] {
      if (inner_) inner_->commit();
      if (backend_.config_.is_volatile && stored_ != size_) backend_.remember(key_, std::move(whole_));
    });
  }
  void abort() override { inner_.reset(); }

 private:
  FaultyCheckpoints& backend_;
  std::string key_, whole_;
  std::uint64_t size_;
  std::optional<std::uint64_t> stored_;
  std::optional<UpstreamBackend::Put> inner_;  // aborts itself unless it was committed
};

std::unique_ptr<CheckpointBackend::Put> FaultyCheckpoints::put_begin(std::string_view key, std::uint64_t size, std::uint64_t& part_bytes) {
  std::unique_ptr<FaultyPut> put;
  run("put_begin", key, 0, 0, [&] {
    put = std::make_unique<FaultyPut>(*this, key, size, stored_bytes(key, size));
    put->begin(part_bytes);
  });
  return put;
}

void FaultyCheckpoints::create(std::string_view key, Bytes bytes) {
  run("create", key, 0, bytes.size(), [&] {
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (const auto known = recall(key)) {
      if (*known != text) throw PluginError(TRAINHOST_ALREADY_EXISTS, format("{}: holds other bytes", key));
      return;
    }
    const auto stored = stored_bytes(key, bytes.size());
    if (stored) inner_.create(key, bytes.first(*stored));
    if (config_.is_volatile && stored != bytes.size()) remember(std::string(key), text);
  });
}

std::size_t FaultyCheckpoints::get(std::string_view key, std::uint64_t offset, std::span<std::byte> out) {
  std::size_t got = 0;
  run("get", key, offset, out.size(), [&] {
    if (const auto known = recall(key)) {
      got = offset >= known->size() ? 0 : std::min<std::size_t>(out.size(), known->size() - offset);
      if (got > 0) std::copy_n(reinterpret_cast<const std::byte*>(known->data()) + offset, got, out.begin());
    } else {
      got = inner_.get(key, offset, out);
    }
  });
  const std::string what = format("{} {}", key, offset);
  if (got == 0 || is_spared(key) || !flip_.falls(what)) return got;
  const std::uint64_t bit = faultckpt::spread(config_.seed, what) % (got * 8);
  out[bit / 8] ^= std::byte{1} << (bit % 8);
  return got;
}

FaultyCheckpoints::Listing FaultyCheckpoints::list_with_remembered(std::string_view prefix) const {
  std::map<std::string, UpstreamBackend::Object> found;
  for (UpstreamBackend::Object& object : inner_.list(prefix)) found.emplace(object.key, std::move(object));
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, bytes] : remembered_)
      if (key.starts_with(prefix)) found[key] = {key, bytes.size(), 0};
  }
  Listing listing;
  for (auto& [key, object] : found) listing.push_back(std::move(object));
  return listing;
}

void FaultyCheckpoints::list(std::string_view prefix, const Visit& visit) {
  Listing listing;
  run("list", prefix, 0, 0, [&] {
    listing = list_with_remembered(prefix);
    const std::lock_guard lock(mutex_);
    const auto before = last_lists_.find(prefix);
    const bool is_stale = before != last_lists_.end() && !is_spared(prefix) && stale_.falls(prefix);
    if (is_stale) listing = before->second;
    else last_lists_[std::string(prefix)] = listing;
  });
  for (const UpstreamBackend::Object& object : listing)
    if (!visit({object.key, object.size, object.modified_unix_ms})) return;
}

void FaultyCheckpoints::remove(std::string_view key) {
  run("remove", key, 0, 0, [&] {
    {
      const std::lock_guard lock(mutex_);
      if (const auto known = remembered_.find(key); known != remembered_.end()) remembered_.erase(known);
    }
    inner_.remove(key);
  });
}

}  // namespace

TRAINHOST_PLUGIN(FaultyCheckpoints, {.kind = "checkpoint_backend",
                                     .name = "faultckpt",
                                     .version = "1.0.0",
                                     .summary = "Around a backend: slow, failing, torn and lying on purpose, for tests",
                                     .decorates = 1,
                                     .needs = {TRAINHOST_UPSTREAM},
                                     .schema = kSchema})
