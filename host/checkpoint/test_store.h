// For tests: a store in memory, one that breaks on request, and small snapshots.
#pragma once
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/log.h"
#include "checkpoint/folders.h"
#include "checkpoint/store.h"

namespace trainhost::testing {

inline PluginCallError store_failure(trainhost_status status, const std::string& message) {
  return PluginCallError(ExitCode::kCheckpointUnwritable, "checkpoint_backend/test", status, message);
}

/// Holds the promises of <trainhost/checkpoint_backend.h> strictly: what breaks them throws INTERNAL.
class MemoryStore : public ObjectStore {
 public:
  std::map<std::string, std::string, std::less<>> contents;
  uint64_t part_bytes = 0;  // 0: as wished
  std::set<std::string, std::less<>> used_keys;  // a key is never begun twice

  std::unique_ptr<Put> begin(std::string_view key, uint64_t size, uint64_t wished) override {
    const std::lock_guard lock(mutex_);
    if (contents.contains(key)) throw store_failure(TRAINHOST_ALREADY_EXISTS, std::string(key) + " is there");
    used_keys.insert(std::string(key));
    return std::make_unique<MemoryPut>(*this, std::string(key), size, part_bytes ? part_bytes : wished);
  }
  bool create(std::string_view key, std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    return contents.emplace(key, bytes).first->second == bytes;
  }
  uint64_t get(std::string_view key, uint64_t offset, std::span<std::byte> out) override {
    const std::lock_guard lock(mutex_);
    const auto found = contents.find(key);
    if (found == contents.end()) throw store_failure(TRAINHOST_NOT_FOUND, std::string(key) + " is not there");
    const uint64_t size = offset >= found->second.size() ? 0 : std::min<uint64_t>(out.size(), found->second.size() - offset);
    if (size > 0) std::memcpy(out.data(), found->second.data() + offset, size);
    return size;
  }
  std::vector<StoredObject> list(std::string_view prefix) override {
    const std::lock_guard lock(mutex_);
    std::vector<StoredObject> objects;
    for (const auto& [key, bytes] : contents)
      if (key.starts_with(prefix)) objects.push_back({key, bytes.size(), 0});
    return objects;
  }
  void remove(std::string_view key) override {
    const std::lock_guard lock(mutex_);
    if (const auto found = contents.find(key); found != contents.end()) contents.erase(found);
  }

 private:
  class MemoryPut : public Put {
   public:
    MemoryPut(MemoryStore& store, std::string key, uint64_t size, uint64_t part) : store_(store), key_(std::move(key)), bytes_(size, '\0'), part_(part), missing_(size) {}
    uint64_t part_bytes() const override { return part_; }
    void part(uint64_t offset, std::span<const std::byte> bytes, uint32_t crc) override {
      const std::lock_guard lock(store_.mutex_);
      if (offset % part_ != 0 || reinterpret_cast<uintptr_t>(bytes.data()) % 4096 != 0) throw store_failure(TRAINHOST_INTERNAL, "part is not aligned");
      if (bytes.size() != std::min(part_, bytes_.size() - offset)) throw store_failure(TRAINHOST_INTERNAL, "part is of the wrong size");
      if (crc32c(bytes.data(), bytes.size()) != crc) throw store_failure(TRAINHOST_DATA_LOSS, "part has the wrong checksum");
      std::memcpy(bytes_.data() + offset, bytes.data(), bytes.size());
      if (seen_.insert(offset).second) missing_ -= bytes.size();
    }
    void commit() override {
      const std::lock_guard lock(store_.mutex_);
      if (missing_ != 0) throw store_failure(TRAINHOST_INTERNAL, "a part is missing");
      if (!store_.contents.emplace(key_, bytes_).second) throw store_failure(TRAINHOST_ALREADY_EXISTS, key_ + " is there");
    }

   private:
    MemoryStore& store_;
    std::string key_, bytes_;
    uint64_t part_, missing_;
    std::set<uint64_t> seen_;
  };

  std::mutex mutex_;
};

/// What kill -9 is to a process. No std::exception, so that nothing handles it.
struct Killed {};

/// Hands every call on to another store, with a hook before and after it. A hook that throws is a call that fails before or after it took effect.
class HookedStore : public ObjectStore {
 public:
  using Hook = std::function<void(const std::string& verb, const std::string& key)>;
  explicit HookedStore(ObjectStore& objects) : objects_(objects) {}
  Hook before = [](const std::string&, const std::string&) {}, after = before;

  std::unique_ptr<Put> begin(std::string_view key, uint64_t size, uint64_t wished) override {
    std::unique_ptr<Put> put;
    run("begin", std::string(key), [&] { put = objects_.begin(key, size, wished); });
    return std::make_unique<HookedPut>(*this, std::string(key), std::move(put));
  }
  bool create(std::string_view key, std::string_view bytes) override {
    bool is_ours = false;
    run("create", std::string(key), [&] { is_ours = objects_.create(key, bytes); });
    return is_ours;
  }
  uint64_t get(std::string_view key, uint64_t offset, std::span<std::byte> out) override {
    uint64_t got = 0;
    run("get", std::string(key), [&] { got = objects_.get(key, offset, out); });
    return got;
  }
  std::vector<StoredObject> list(std::string_view prefix) override {
    std::vector<StoredObject> objects;
    run("list", std::string(prefix), [&] { objects = objects_.list(prefix); });
    return objects;
  }
  void remove(std::string_view key) override {
    run("remove", std::string(key), [&] { objects_.remove(key); });
  }

 private:
  class HookedPut : public Put {
   public:
    HookedPut(HookedStore& store, std::string key, std::unique_ptr<Put> put) : store_(store), key_(std::move(key)), put_(std::move(put)) {}
    uint64_t part_bytes() const override { return put_->part_bytes(); }
    void part(uint64_t offset, std::span<const std::byte> bytes, uint32_t crc) override {
      store_.run("part", key_, [&] { put_->part(offset, bytes, crc); });
    }
    void commit() override {
      store_.run("commit", key_, [&] { put_->commit(); });
    }

   private:
    HookedStore& store_;
    std::string key_;
    std::unique_ptr<Put> put_;
  };

  template <class Call>
  void run(const std::string& verb, const std::string& key, const Call& call) {
    before(verb, key);
    call();
    after(verb, key);
  }

  ObjectStore& objects_;
};

/// Small options: two blocks of 4096 bytes make a large object, nothing waits, one thread. What tests break on purpose need not be logged.
inline StoreOptions small_options() {
  set_log_level(LogLevel::kError);
  StoreOptions options;
  options.run_id = "run";
  options.block_bytes = 4096;
  options.num_threads = 1;
  options.wait = [](double) {};
  return options;
}

/// A snapshot whose every value follows from `step`, with the memory behind it.
struct SmallState {
  std::vector<float> weight, bias, momentum;
  std::vector<int64_t> counter;
  std::vector<TensorView> weights, optimizer, engine;
  uint64_t step;
  std::map<std::string, double> evaluation;

  explicit SmallState(uint64_t its_step, size_t size = 3000) : weight(size), bias(3), momentum(size), counter{static_cast<int64_t>(its_step)}, step(its_step) {
    for (size_t i = 0; i < size; ++i) weight[i] = static_cast<float>(step) + static_cast<float>(i) / 1024, momentum[i] = -weight[i];
    weights = {view("layer.weight", weight), view("layer.bias", bias)};
    optimizer = {view("optimizer.layer.weight.momentum", momentum)};
    engine = {{"engine.counter", "I64", {}, reinterpret_cast<const std::byte*>(counter.data()), 8}};
  }
  SmallState(const SmallState&) = delete;

  static TensorView view(const std::string& name, const std::vector<float>& values) {
    return {name, "F32", {static_cast<int64_t>(values.size())}, reinterpret_cast<const std::byte*>(values.data()), values.size() * 4};
  }
  Snapshot snapshot() const {
    Snapshot snapshot{weights, optimizer, engine, {{"stopping_rule/a", "1.2", std::string("st\0te", 5)}, {"lr_schedule/b", "2", ""}}, "{\"progress\":" + std::to_string(step) + "}", step + 1, step, "hash", evaluation};
    return snapshot;
  }
};

inline std::string bytes_of(const TensorView& tensor) { return std::string(reinterpret_cast<const char*>(tensor.data), tensor.bytes); }

/// Whether `loaded` is what SmallState(step) saved, to the last byte.
inline bool is_state(const LoadedCheckpoint& loaded, uint64_t step, size_t size = 3000) {
  const SmallState state(step, size);
  const Snapshot wanted = state.snapshot();
  const auto equal = [](std::span<const TensorView> a, std::span<const TensorView> b) {
    if (a.size() != b.size()) return false;
    for (const TensorView& tensor : a) {
      bool is_found = false;
      for (const TensorView& other : b) is_found |= other.name == tensor.name && other.dtype == tensor.dtype && other.shape == tensor.shape && bytes_of(other) == bytes_of(tensor);
      if (!is_found) return false;
    }
    return true;
  };
  bool is_equal = equal(loaded.weights, wanted.weights) && equal(loaded.optimizer, wanted.optimizer) && equal(loaded.engine, wanted.engine);
  is_equal &= loaded.plugin_states.size() == wanted.plugin_states.size() && loaded.run_state_json == wanted.run_state_json && loaded.info.step == step && loaded.info.window == step + 1;
  for (size_t i = 0; is_equal && i < loaded.plugin_states.size(); ++i)
    is_equal &= loaded.plugin_states[i].name == wanted.plugin_states[i].name && loaded.plugin_states[i].version == wanted.plugin_states[i].version && loaded.plugin_states[i].bytes == wanted.plugin_states[i].bytes;
  return is_equal && loaded.trajectory_hash == "hash" && loaded.run_id == "run";
}

}  // namespace trainhost::testing
