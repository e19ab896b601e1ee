// A queue of tasks and one thread.
#include "loop/save_thread.h"

#include <optional>
#include <utility>

namespace trainhost {

SaveThread::SaveThread(CheckpointStore& store) : store_(store), thread_([this] { work(); }) {}

SaveThread::~SaveThread() {
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SaveThread::save(Job job) {
  {
    const std::lock_guard lock(mutex_);
    ++num_saves_;
  }
  add([this, job = std::make_shared<Job>(std::move(job))]() mutable {
    const auto finish = [&](std::optional<FinishedSave> finished) {
      job.reset();  // the arena is free before anybody sees that the save has ended
      const std::lock_guard lock(mutex_);
      --num_saves_;
      if (finished) news_.saves.push_back(std::move(*finished));
    };
    try {
      if (job->copy) job->copy->wait();
      SaveReport report = store_.save(job->snapshot);
      finish(FinishedSave{std::move(report), job->copy ? job->copy->seconds() : 0});
    } catch (...) {
      finish(std::nullopt);
      throw;
    }
  });
}

void SaveThread::mark_good(std::string id) {
  add([this, id = std::move(id)] {
    const bool is_there = store_.mark_good(id);
    const std::lock_guard lock(mutex_);
    if (is_there) news_.good.push_back(id);
  });
}

bool SaveThread::is_saving() const {
  const std::lock_guard lock(mutex_);
  return num_saves_ > 0;
}

void SaveThread::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return tasks_.empty(); });
}

SaveThread::News SaveThread::take_news() {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  return std::exchange(news_, {});
}

void SaveThread::add(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_all();
}

void SaveThread::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return is_closed_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    std::function<void()>& task = tasks_.front();  // stays in its place when others are added
    lock.unlock();
    run(task);
    lock.lock();
    tasks_.pop_front();
    changed_.notify_all();
  }
}

void SaveThread::run(const std::function<void()>& task) noexcept try {
  task();
} catch (...) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::current_exception();
}

}  // namespace trainhost
