// A ticket a batch: pushed, taken by some worker when its memory fits, popped in order.
#include "data/read_ahead_core.h"

#include <time.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "data/batch_assembly.h"

namespace trainhost {
namespace {

constexpr std::chrono::milliseconds kMemoryPoll{2};   // the device gives memory back without saying so
constexpr std::chrono::milliseconds kStallPoll{100};  // well below the second in which a stall is to be said

double thread_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::string ids_text(const SampleSource& source, const std::vector<uint64_t>& ids) {
  constexpr size_t kMost = 8;
  std::string text;
  for (size_t i = 0; i < std::min(ids.size(), kMost); ++i) text += format("{}{}", i == 0 ? "" : ", ", source.id_text(ids[i]));
  return ids.size() > kMost ? format("{}, ... ({} in all)", text, ids.size()) : text;
}

}  // namespace

struct ReadAhead::Core::Charge {
  Charge(std::shared_ptr<Core> its_core, uint64_t its_bytes) : core(std::move(its_core)), bytes(its_bytes) {}
  ~Charge() {
    memory.reset();
    core->change_charge(bytes, 0);
  }
  // What the batch has come to take.
  void settle(uint64_t actual_bytes) { core->change_charge(std::exchange(bytes, actual_bytes), actual_bytes); }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  std::shared_ptr<Core> core;
  uint64_t bytes;
  std::shared_ptr<void> memory;
};

// A source may end its thread (pthread_exit): what it was at must not be waited for then.
struct ReadAhead::Core::Life {
  ~Life() {
    const std::lock_guard lock(core.mutex_);
    *has_ended = true;
    if (!ticket) return;  // take() has counted it out
    core.count_available();
    --core.num_workers_;
    if (!ticket->is_done) {
      ticket->failure = std::make_exception_ptr(Error(ExitCode::kData, format("{}: the thread that read samples {} was ended inside of the source; correct the plugin", core.place(), ids_text(core.source_, ticket->samples.ids))));
      ticket->is_done = true;
      std::erase(core.running_, ticket);
    }
    core.is_done_.notify_all();
    core.has_fewer_workers_.notify_all();
  }
  Core& core;
  const std::shared_ptr<bool>& has_ended;
  std::shared_ptr<Ticket> ticket;
};

ReadAhead::Core::Core(const SampleSource& source, BatchDevice& device, ReadAheadOptions options)
    : source_(source), device_(device), options_(std::move(options)), staging_(device, options_.memory_bytes),
      reader_(source, options_.set_name, staging_, options_.retry_seconds, options_.clock), available_until_(options_.clock()) {}

void ReadAhead::Core::push(SampleList samples) {
  auto ticket = std::make_shared<Ticket>();
  ticket->samples = std::move(samples);
  const std::lock_guard lock(mutex_);
  tickets_.push_back(ticket);
  unstarted_.push_back(std::move(ticket));
  has_work_.notify_all();  // some may be waiting for memory
}

ReadAhead::Item ReadAhead::Core::pop() {
  std::unique_lock lock(mutex_);
  assert(!tickets_.empty());
  const auto first_unready = std::find_if(tickets_.begin(), tickets_.end(), [](const auto& ticket) { return !ticket->is_done; });
  const auto ready = static_cast<uint64_t>(first_unready - tickets_.begin());
  const StageSeconds waited = ready > 0 ? StageSeconds{} : wait_for_front(lock);
  if (is_cancelled_) throw Error(ExitCode::kAborted, "reading of data was cancelled");
  if (tickets_.front()->failure) std::rethrow_exception(tickets_.front()->failure);
  const std::shared_ptr<Ticket> ticket = std::move(tickets_.front());
  tickets_.pop_front();
  return {std::move(ticket->batch), ticket->bytes, ready, waited};
}

// What was waited for is the end of what the batch took: the copy, before it the other stages in their proportion.
StageSeconds ReadAhead::Core::wait_for_front(std::unique_lock<std::mutex>& lock) {
  const double began = options_.clock();
  Watch watch{nullptr, 0, began};
  while (!is_done_.wait_for(lock, kStallPoll, [&] { return is_cancelled_ || tickets_.front()->is_done; })) require_progress(watch);
  const double seconds = options_.clock() - began;
  const StageSeconds& took = tickets_.front()->seconds;
  const double copy = std::min(seconds, took.copy), rest = took.sum() - took.copy;
  StageSeconds waited = rest > 0 ? took * ((seconds - copy) / rest) : StageSeconds{seconds - copy, 0, 0, 0};
  waited.copy = copy;
  return waited;
}

// The reading of the front moves, or that which keeps its thread.
void ReadAhead::Core::require_progress(Watch& watch) {
  const Ticket* ticket = tickets_.front().get();
  if (!ticket->is_started) ticket = running_.empty() ? nullptr : running_.front().get();
  const uint64_t progress = ticket ? ticket->progress.load(std::memory_order_relaxed) : 0;
  const double now = options_.clock();
  if (ticket != watch.ticket || progress != watch.progress) watch = {ticket, progress, now};
  if (now - watch.since < options_.stall_seconds) return;
  is_stalled_ = true;
  source_.leave_behind();  // its thread may be in there for good
  throw Error(ExitCode::kData, stall_text(ticket, now - watch.since));
}

std::string ReadAhead::Core::stall_text(const Ticket* ticket, double seconds) const {
  const std::string remedy = "look at the files, disk or network behind it, or raise data.stall_timeout if it may take so long";
  if (!ticket) return format("{}: nothing was read for {}, with {} threads; {}", place(), human_seconds(seconds), num_workers_, remedy);
  return format("{}: reading samples {} has not moved for {} (data.stall_timeout); {}", place(), ids_text(source_, ticket->samples.ids), human_seconds(seconds), remedy);
}

void ReadAhead::Core::clear() {
  std::deque<std::shared_ptr<Ticket>> forgotten;  // freed without the lock: batches may be large, and give their charge back
  const std::lock_guard lock(mutex_);
  forgotten.swap(tickets_);
  unstarted_.clear();
  for (const auto& ticket : running_) ticket->cancellation.request();
}

void ReadAhead::Core::cancel() {
  const std::lock_guard lock(mutex_);
  is_cancelled_ = true;
  unstarted_.clear();
  for (const auto& ticket : running_) ticket->cancellation.request();
  has_work_.notify_all();
  is_done_.notify_all();
}

// ---- workers ----

void ReadAhead::Core::set_threads(uint64_t threads) {
  const std::lock_guard lock(mutex_);
  count_available();
  wanted_workers_ = std::max<uint64_t>(threads, 1);
  depth_ = std::max(options_.batches, wanted_workers_);
  has_work_.notify_all();
}

uint64_t ReadAhead::Core::num_missing() const {
  const std::lock_guard lock(mutex_);
  return wanted_workers_ > num_workers_ ? wanted_workers_ - num_workers_ : 0;
}

std::shared_ptr<bool> ReadAhead::Core::add_worker() {
  const std::lock_guard lock(mutex_);
  ++num_workers_;
  return std::make_shared<bool>(false);
}

bool ReadAhead::Core::has_ended(const std::shared_ptr<bool>& worker) const {
  const std::lock_guard lock(mutex_);
  return *worker;
}

bool ReadAhead::Core::wait_for_workers(double seconds) {
  std::unique_lock lock(mutex_);
  return has_fewer_workers_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return num_workers_ == 0; });
}

void ReadAhead::Core::run(const std::shared_ptr<bool>& has_ended) {
  Life life{*this, has_ended, nullptr};
  std::shared_ptr<Charge> charge;
  while ((life.ticket = take(charge))) carry_out(*life.ticket, std::move(charge));
}

// Waits for work and memory; nullptr: this worker is wanted no more.
std::shared_ptr<ReadAhead::Core::Ticket> ReadAhead::Core::take(std::shared_ptr<Charge>& charge) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (is_cancelled_ || num_workers_ > wanted_workers_) {
      count_available();
      --num_workers_;
      has_fewer_workers_.notify_all();
      return nullptr;
    }
    if (!unstarted_.empty() && (charge = admit(unstarted_.front()->samples.ids.size()))) break;
    if (unstarted_.empty() || is_polling_) has_work_.wait(lock);
    else wait_for_memory(lock);
  }
  std::shared_ptr<Ticket> ticket = std::move(unstarted_.front());
  unstarted_.pop_front();
  ticket->is_started = true;
  running_.push_back(ticket);
  return ticket;
}

// One worker at a time.
void ReadAhead::Core::wait_for_memory(std::unique_lock<std::mutex>& lock) {
  is_polling_ = true;
  lock.unlock();
  device_.release_copied();
  lock.lock();
  has_work_.wait_for(lock, kMemoryPoll);
  is_polling_ = false;
}

// Under mutex_. Null: other batches must go first. One that would never fit is let in alone; its reading says what is wrong.
std::shared_ptr<ReadAhead::Core::Charge> ReadAhead::Core::admit(uint64_t num_samples) {
  const double seen = most_sample_bytes_ > 0 ? most_sample_bytes_ * static_cast<double>(num_samples) : static_cast<double>(options_.memory_bytes);
  const uint64_t bytes = std::min(most_batch_bytes(source_.info().fields, num_samples, staging_).value_or(static_cast<uint64_t>(std::ceil(seen))), options_.memory_bytes);
  if (charged_bytes_ > 0 && (bytes > options_.memory_bytes || charged_bytes_ > options_.memory_bytes - bytes)) return nullptr;
  charged_bytes_ += bytes;
  return std::make_shared<Charge>(shared_from_this(), bytes);
}

void ReadAhead::Core::change_charge(uint64_t from, uint64_t to) {
  const std::lock_guard lock(mutex_);
  charged_bytes_ += to - from;
  has_work_.notify_all();
}

void ReadAhead::Core::carry_out(Ticket& ticket, std::shared_ptr<Charge> charge) {
  const double cpu_began = thread_cpu_seconds();
  std::unique_ptr<DeviceBatch> batch;
  ReadBatch read;
  std::exception_ptr failure;
  try {
    read = reader_.read(ticket.samples, ticket.cancellation, ticket.progress);
    uint64_t taken = 0;
    for (const HostField& field : read.batch.fields) ticket.bytes += field.bytes, taken += staging_.buffer_bytes(field.bytes);
    charge->settle(taken);
    charge->memory = std::exchange(read.batch.memory, nullptr);
    read.batch.memory = std::move(charge);
    const double began = options_.clock();
    batch = device_.upload(std::move(read.batch));
    read.seconds.copy += options_.clock() - began;
  } catch (...) {
    failure = std::current_exception();
    if (!failure) throw;  // the source ends this thread
  }
  finish(ticket, std::move(batch), read, thread_cpu_seconds() - cpu_began, failure);
}

void ReadAhead::Core::finish(Ticket& ticket, std::unique_ptr<DeviceBatch> batch, const ReadBatch& read, double cpu_seconds, std::exception_ptr failure) {
  const std::lock_guard lock(mutex_);
  ticket.batch = std::move(batch);
  ticket.seconds = read.seconds;
  ticket.failure = failure;
  ticket.is_done = true;
  std::erase_if(running_, [&](const auto& running) { return running.get() == &ticket; });
  if (!failure) {
    work_.busy += read.seconds;
    work_.cpu_seconds += cpu_seconds;
    work_.samples += ticket.samples.ids.size();
    most_sample_bytes_ = std::max(most_sample_bytes_, static_cast<double>(read.memory_bytes) / static_cast<double>(std::max<size_t>(ticket.samples.ids.size(), 1)));
  }
  is_done_.notify_all();
}

// Under mutex_.
void ReadAhead::Core::count_available() {
  const double now = options_.clock();
  work_.available_seconds += static_cast<double>(num_workers_) * std::max(0.0, now - available_until_);
  available_until_ = now;
}

ReadingWork ReadAhead::Core::work() const {
  const std::lock_guard lock(mutex_);
  ReadingWork work = work_;
  work.available_seconds += static_cast<double>(num_workers_) * std::max(0.0, options_.clock() - available_until_);
  work.threads = wanted_workers_;
  work.peak_bytes = staging_.peak_bytes();
  return work;
}

}  // namespace trainhost
