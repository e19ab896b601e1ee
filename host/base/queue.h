// A bounded queue between threads.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace trainhost {

/// Closing wakes everybody: push returns false, pop drains what is left and then returns nullopt. All functions [any].
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  /// Waits for room. False: closed, the item was not taken.
  bool push(T item) {
    std::unique_lock lock(mutex_);
    has_room_.wait(lock, [&] { return is_closed_ || items_.size() < capacity_; });
    if (is_closed_) return false;
    items_.push_back(std::move(item));
    has_items_.notify_one();
    return true;
  }

  /// Never waits. False: full or closed.
  bool try_push(T item) {
    const std::lock_guard lock(mutex_);
    if (is_closed_ || items_.size() >= capacity_) return false;
    items_.push_back(std::move(item));
    has_items_.notify_one();
    return true;
  }

  /// Never waits and takes the item beyond the capacity: for the one that must not be lost. False: closed.
  bool push_beyond(T item) {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return false;
    items_.push_back(std::move(item));
    has_items_.notify_one();
    return true;
  }

  /// Waits for an item; nullopt once closed and empty.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    has_items_.wait(lock, [&] { return is_closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    has_room_.notify_one();
    return item;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    has_items_.notify_all();
    has_room_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable has_items_, has_room_;
  std::deque<T> items_;
  size_t capacity_;
  bool is_closed_ = false;
};

}  // namespace trainhost
