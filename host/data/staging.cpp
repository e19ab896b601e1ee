// Two kinds of blocks, each with its idle ones by size.
#include "data/staging.h"

#include <algorithm>
#include <array>
#include <bit>
#include <list>
#include <mutex>
#include <new>
#include <utility>

namespace trainhost {
namespace {

constexpr std::align_val_t kBufferAlignment{64};

uint64_t rounded_to_class(uint64_t bytes) {
  const uint64_t step = std::max<uint64_t>(std::bit_floor(std::max<uint64_t>(bytes, 1)) / 8, 64);
  return (std::max<uint64_t>(bytes, 1) + step - 1) / step * step;
}

std::shared_ptr<std::byte> plain_memory(size_t bytes) {
  return {static_cast<std::byte*>(::operator new(bytes, kBufferAlignment)), [](std::byte* data) { ::operator delete(data, kBufferAlignment); }};
}

}  // namespace

class Staging::Pool : public std::enable_shared_from_this<Staging::Pool> {
 public:
  enum Kind { kBuffer, kRoom };
  Pool(BatchDevice& device, uint64_t limit) : device_(device), limit_(limit) {}

  std::shared_ptr<std::byte> take(Kind kind, uint64_t bytes, uint64_t charge) {
    std::shared_ptr<std::byte> memory = take_idle(kind, charge);
    if (!memory) memory = allocate(kind, bytes, charge);
    std::byte* const data = memory.get();
    return {data, [pool = shared_from_this(), kind, charge, memory = std::move(memory)](std::byte*) mutable { pool->give_back({kind, charge, std::move(memory)}); }};
  }

  void close() {
    std::list<Block> freed;
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    freed.swap(idle_);
  }

  BatchDevice& device() const { return device_; }
  uint64_t limit() const { return limit_; }
  uint64_t peak() const {
    const std::lock_guard lock(mutex_);
    return peak_;
  }
  uint64_t num_allocations() const {
    const std::lock_guard lock(mutex_);
    return num_allocations_;
  }

 private:
  struct Block {
    Kind kind;
    uint64_t charge;
    std::shared_ptr<std::byte> memory;
  };

  std::shared_ptr<std::byte> take_idle(Kind kind, uint64_t charge) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(idle_.rbegin(), idle_.rend(), [&](const Block& block) { return block.kind == kind && block.charge == charge; });
    if (found == idle_.rend()) return nullptr;
    std::shared_ptr<std::byte> memory = std::move(found->memory);
    idle_.erase(std::next(found).base());
    idle_bytes_ -= charge;
    add_use(charge);
    return memory;
  }

  std::shared_ptr<std::byte> allocate(Kind kind, uint64_t bytes, uint64_t charge) {
    std::list<Block> freed;  // outside of the lock
    {
      const std::lock_guard lock(mutex_);
      make_room(charge, freed);
      add_use(charge);
      ++num_allocations_;
    }
    freed.clear();
    try {
      return kind == kBuffer ? device_.allocate(bytes) : plain_memory(bytes);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      used_bytes_ -= charge;
      throw;
    }
  }

  void give_back(Block block) {
    std::list<Block> freed;
    const std::lock_guard lock(mutex_);
    used_bytes_ -= block.charge;
    idle_bytes_ += block.charge;
    idle_.push_back(std::move(block));
    while (!idle_.empty() && (is_closed_ || idle_bytes_ > most_used_)) free_oldest(freed);
  }

  void make_room(uint64_t charge, std::list<Block>& freed) {
    while (!idle_.empty() && used_bytes_ + idle_bytes_ + charge > limit_) free_oldest(freed);
  }
  void free_oldest(std::list<Block>& freed) {
    idle_bytes_ -= idle_.front().charge;
    freed.splice(freed.end(), idle_, idle_.begin());
  }
  void add_use(uint64_t charge) {
    used_bytes_ += charge;
    most_used_ = std::max(most_used_, used_bytes_);
    peak_ = std::max(peak_, used_bytes_ + idle_bytes_);
  }

  BatchDevice& device_;
  const uint64_t limit_;
  mutable std::mutex mutex_;
  std::list<Block> idle_;  // the oldest first
  uint64_t used_bytes_ = 0, idle_bytes_ = 0, most_used_ = 0, peak_ = 0, num_allocations_ = 0;
  bool is_closed_ = false;
};

Staging::Staging(BatchDevice& device, uint64_t limit_bytes) : pool_(std::make_shared<Pool>(device, limit_bytes)) {}

Staging::~Staging() { pool_->close(); }

std::shared_ptr<std::byte> Staging::buffer(size_t bytes) { return pool_->take(Pool::kBuffer, rounded_to_class(bytes), buffer_bytes(bytes)); }

std::shared_ptr<std::byte> Staging::room(size_t bytes) { return pool_->take(Pool::kRoom, rounded_to_class(bytes), room_bytes(bytes)); }

uint64_t Staging::buffer_bytes(uint64_t bytes) const { return pool_->device().allocated_bytes(rounded_to_class(bytes)); }

uint64_t Staging::room_bytes(uint64_t bytes) { return rounded_to_class(bytes); }

uint64_t Staging::limit_bytes() const { return pool_->limit(); }

uint64_t Staging::peak_bytes() const { return pool_->peak(); }

uint64_t Staging::num_allocations() const { return pool_->num_allocations(); }

}  // namespace trainhost
