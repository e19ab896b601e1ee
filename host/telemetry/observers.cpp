// One worker thread an observer.
#include "telemetry/observers.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/queue.h"

namespace trainhost {
namespace {

constexpr int kErrorsInARow = 3;
constexpr uint64_t kErrorsSaid = 10;  // an observer that fails now and then must not fill the console

trainhost_string borrow(const std::string& text) { return {text.data(), text.size()}; }

}  // namespace

void with_c_event(const Event& event, const std::function<void(const trainhost_event&)>& call) {
  const std::string details = event.details.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::vector<trainhost_metric> metrics;
  metrics.reserve(event.metrics.size());
  for (const Metric& metric : event.metrics)
    metrics.push_back({borrow(metric.name), borrow(metric.set), metric.value, metric.standard_error, metric.step, metric.origin, 0});
  trainhost_event out{};
  out.struct_size = sizeof out;
  out.num_metrics = static_cast<uint32_t>(metrics.size());
  out.name = borrow(event.name);
  out.details_json = borrow(details);
  out.unix_ns = event.unix_ns;
  out.progress = event.progress ? &*event.progress : nullptr;
  out.metrics = metrics.data();
  call(out);
}

// Shared by Observers and the thread, since a thread that is stuck in an observer outlives Observers.
struct Observers::Worker {
  Worker(std::unique_ptr<EventSink> observer, size_t capacity) : sink(std::move(observer)), queue(capacity) { report.name = sink->name(); }

  std::unique_ptr<EventSink> sink;
  BoundedQueue<std::shared_ptr<const Event>> queue;
  std::thread thread;
  std::mutex mutex;  // guards what follows
  std::condition_variable has_ended_condition;
  ObserverReport report;
  uint64_t num_queued = 0;
  int errors_in_a_row = 0;
  bool has_ended = false;

  void publish(std::shared_ptr<const Event> event);
  void run();
  void deliver(const Event& event);
  void note_error(const std::string& message);
};

void Observers::Worker::publish(std::shared_ptr<const Event> event) {
  const bool is_last = event->name == "run_end";
  const bool is_queued = is_last ? queue.push_beyond(std::move(event)) : queue.try_push(std::move(event));
  const std::lock_guard lock(mutex);
  if (report.is_muted) return;
  ++(is_queued ? num_queued : report.num_dropped);
}

void Observers::Worker::run() {
  while (const auto event = queue.pop()) deliver(**event);
  const std::lock_guard lock(mutex);
  has_ended = true;
  has_ended_condition.notify_all();
}

void Observers::Worker::deliver(const Event& event) {
  {
    const std::lock_guard lock(mutex);
    if (report.is_muted) return;
  }
  try {
    sink->on_event(event);
    const std::lock_guard lock(mutex);
    ++report.num_delivered;
    errors_in_a_row = 0;
  } catch (const std::exception& failure) {
    note_error(failure.what());
  } catch (...) {
    note_error("threw something that is no std::exception");
  }
}

void Observers::Worker::note_error(const std::string& message) {
  uint64_t num_failed = 0;
  bool is_muted = false;
  {
    const std::lock_guard lock(mutex);
    num_failed = ++report.num_failed;
    is_muted = report.is_muted = ++errors_in_a_row == kErrorsInARow;
    report.last_error = message;
  }
  if (num_failed <= kErrorsSaid || is_muted) log_warning("{}: {}", report.name, message);
  if (is_muted)
    log_warning("{}: is muted for the rest of the run after {} errors in a row; training goes on without it", report.name, kErrorsInARow);
  else if (num_failed == kErrorsSaid)
    log_warning("{}: further errors are counted, not shown", report.name);
}

Observers::~Observers() { stop(); }

void Observers::add(std::unique_ptr<EventSink> sink) {
  auto worker = std::make_shared<Worker>(std::move(sink), queue_capacity_);
  worker->thread = std::thread([worker] { worker->run(); });
  workers_.push_back(std::move(worker));
}

void Observers::publish(std::shared_ptr<const Event> event) {
  for (const auto& worker : workers_) worker->publish(event);
}

std::vector<ObserverReport> Observers::stop(double grace_seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(grace_seconds));
  for (const auto& worker : workers_) worker->queue.close();
  std::vector<ObserverReport> reports;
  for (const auto& worker : workers_) {
    std::unique_lock lock(worker->mutex);
    const bool has_ended = worker->has_ended_condition.wait_until(lock, deadline, [&] { return worker->has_ended; });
    ObserverReport report = worker->report;
    report.is_stuck = !has_ended;
    if (!has_ended) {
      report.num_dropped += worker->num_queued - report.num_delivered - report.num_failed;
      worker->report.is_muted = true;  // it gets nothing more if it ever comes back
    }
    lock.unlock();
    if (has_ended)
      worker->thread.join();
    else
      worker->thread.detach();
    reports.push_back(std::move(report));
  }
  workers_.clear();
  return reports;
}

}  // namespace trainhost
