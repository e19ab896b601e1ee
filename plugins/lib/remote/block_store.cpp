#include "remote/block_store.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include <trainhost/cpp/error.hpp>

namespace trainhost::remote {
namespace {

constexpr auto kBetweenLooks = std::chrono::milliseconds(2);  // at a block that somebody else fetches

BlockName block_name(const NamedObject& named, uint64_t index) {
  const uint64_t begin = index * BlockStore::kBlock;
  return {format("{}-{}", named.digest, index), std::min(BlockStore::kBlock, named.object.facts.size - begin)};
}

}  // namespace

void BlockStore::start() {
  for (unsigned i = 0; i < kFetchers; ++i) threads_.emplace_back([this] { work(); });
}

void BlockStore::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  threads_.clear();
}

void BlockStore::read(const NamedObject& named, uint64_t offset, std::span<std::byte> out, uint64_t num_ahead) {
  while (!out.empty()) {
    const uint64_t index = offset / kBlock, inside = offset % kBlock;
    const auto part = static_cast<size_t>(std::min<uint64_t>(out.size(), kBlock - inside));
    const uint64_t last = (offset + out.size() - 1) / kBlock;
    read_block(named, index, inside, out.first(part), last - index + num_ahead);
    out = out.subspan(part);
    offset += part;
  }
}

void BlockStore::read_block(const NamedObject& named, uint64_t index, uint64_t offset, std::span<std::byte> out, uint64_t num_behind) {
  const BlockName name = block_name(named, index);
  const auto began = std::chrono::steady_clock::now();
  for (bool is_first = true;; is_first = false) {
    if (cache_.read(name, offset, out)) return;
    const bool is_waited_for = std::chrono::steady_clock::now() - began < patience_;
    if (!cache_.is_open() || !is_waited_for) return fetch_(named.object, index * kBlock + offset, out, {});  // no more than what is asked for: it is not kept
    if (is_first) wish(named, index + 1, num_behind);
    if (const auto claim = cache_.claim(name)) {
      if (cache_.read(name, offset, out)) return;  // whoever had the claim before has kept it
      const std::vector<std::byte> bytes = fetched(named, index, {});
      std::memcpy(out.data(), bytes.data() + offset, out.size());
      return;
    }
    host_.throw_if_cancelled();
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

std::vector<std::byte> BlockStore::fetched(const NamedObject& named, uint64_t index, const std::function<bool()>& is_unwanted) {
  const BlockName name = block_name(named, index);
  std::vector<std::byte> bytes(name.bytes);
  fetch_(named.object, index * kBlock, bytes, is_unwanted);
  cache_.keep(name, bytes);
  return bytes;
}

void BlockStore::wish(const NamedObject& named, uint64_t first, uint64_t count) {
  const uint64_t behind = std::min(first + count, (named.object.facts.size + kBlock - 1) / kBlock);
  {
    const std::lock_guard lock(mutex_);
    for (uint64_t index = first; index < behind; ++index) wishes_.push_back({&named, index});
    while (wishes_.size() > kMostWaiting) wishes_.pop_front();
  }
  changed_.notify_all();
}

void BlockStore::work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_stopping_ || !wishes_.empty(); });
    if (is_stopping_) return;
    const Wish next = wishes_.front();
    wishes_.pop_front();
    lock.unlock();
    try {
      fulfil(next);
    } catch (const std::exception&) {
      // Whoever reads the block will meet the same, and say so.
    }
  }
}

void BlockStore::fulfil(const Wish& wish) {
  const BlockName name = block_name(*wish.named, wish.index);
  if (cache_.holds(name)) return;
  const auto claim = cache_.claim(name);
  if (!claim || cache_.holds(name)) return;
  fetched(*wish.named, wish.index, [this] { return is_stopping_.load(); });
}

}  // namespace trainhost::remote
