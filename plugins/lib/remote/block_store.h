// Bytes of objects, fetched in blocks, each once for all processes of the machine.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <trainhost/cpp/host.hpp>

#include "remote/object.h"
#include "remote/object_cache.h"

namespace trainhost::remote {

/// An object, and what its blocks are called; whoever reads the same content from the same place calls them so.
struct NamedObject {
  Object object;
  std::string digest;  // over place, name and ETag
};

/// Blocks are fetched on threads of this class as well, since one connection is slower than the network: those of a long read, and, where the caller wants it, those behind a
/// block that was read for the first time.
class BlockStore {
 public:
  static constexpr uint64_t kBlock = uint64_t{8} << 20;
  static constexpr unsigned kFetchers = 8;     // threads, and so many connections beside those of the callers
  static constexpr size_t kMostWaiting = 256;  // of blocks to be fetched ahead; the oldest wish is dropped

  /// Fills `out` from byte `offset` of the object. `is_unwanted`: asked now and then.
  using Fetch = std::function<void(const Object& object, uint64_t offset, std::span<std::byte> out, const std::function<bool()>& is_unwanted)>;

  using Duration = std::chrono::milliseconds;
  static constexpr Duration kPatience = std::chrono::minutes(1);

  /// `cache` and `host` are borrowed. `patience`: with another process that fetches a block and does not end; it may have been stopped.
  BlockStore(ObjectCache& cache, Fetch fetch, const Host& host, Duration patience = kPatience) : cache_(cache), fetch_(std::move(fetch)), host_(host), patience_(patience) {}
  ~BlockStore() { stop(); }

  /// Starts the threads; stop() ends them, and what they have under way.
  void start();
  void stop();

  /// The object holds these bytes. `num_ahead`: blocks behind them that will be read soon. Throws PluginError: what fetching throws, CANCELLED. [any]
  void read(const NamedObject& named, uint64_t offset, std::span<std::byte> out, uint64_t num_ahead);

 private:
  struct Wish {
    const NamedObject* named;
    uint64_t index;
  };

  void read_block(const NamedObject& named, uint64_t index, uint64_t offset, std::span<std::byte> out, uint64_t num_behind);
  std::vector<std::byte> fetched(const NamedObject& named, uint64_t index, const std::function<bool()>& is_unwanted);
  void wish(const NamedObject& named, uint64_t first, uint64_t count);
  void work();
  void fulfil(const Wish& wish);

  ObjectCache& cache_;
  Fetch fetch_;
  const Host& host_;
  Duration patience_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Wish> wishes_;
  std::atomic<bool> is_stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace trainhost::remote
