// A ticket a batch: pushed, taken by some worker, popped in order.
#include "data/read_ahead.h"

#include <algorithm>
#include <cassert>

#include "base/error.h"

namespace trainhost {

ReadAhead::ReadAhead(const BatchReader& reader, BatchDevice& device, uint64_t threads, uint64_t depth)
    : reader_(reader), device_(device), depth_(std::max({depth, threads, uint64_t{1}})) {
  for (uint64_t i = 0; i < std::max<uint64_t>(threads, 1); ++i) workers_.emplace_back([this] { work(); });
}

ReadAhead::~ReadAhead() {
  cancel();
  workers_.clear();
}

void ReadAhead::push(SampleList samples) {
  auto ticket = std::make_shared<Ticket>();
  ticket->samples = std::move(samples);
  const std::lock_guard lock(mutex_);
  tickets_.push_back(ticket);
  unstarted_.push_back(std::move(ticket));
  has_work_.notify_one();
}

ReadAhead::Item ReadAhead::pop() {
  std::unique_lock lock(mutex_);
  assert(!tickets_.empty());
  const auto first_unready = std::find_if(tickets_.begin(), tickets_.end(), [](const auto& ticket) { return !ticket->is_done; });
  const auto ready = static_cast<uint64_t>(first_unready - tickets_.begin());
  is_done_.wait(lock, [&] { return is_cancelled_ || tickets_.front()->is_done; });
  if (is_cancelled_) throw Error(ExitCode::kAborted, "reading of data was cancelled");
  if (tickets_.front()->failure) std::rethrow_exception(tickets_.front()->failure);
  const std::shared_ptr<Ticket> ticket = std::move(tickets_.front());
  tickets_.pop_front();
  return {std::move(ticket->batch), ticket->bytes, ready};
}

void ReadAhead::clear() {
  std::deque<std::shared_ptr<Ticket>> forgotten;  // freed without the lock: batches may be large
  const std::lock_guard lock(mutex_);
  forgotten.swap(tickets_);
  unstarted_.clear();
  for (const auto& ticket : running_) ticket->cancellation.request();
}

void ReadAhead::cancel() {
  const std::lock_guard lock(mutex_);
  is_cancelled_ = true;
  unstarted_.clear();
  for (const auto& ticket : running_) ticket->cancellation.request();
  has_work_.notify_all();
  is_done_.notify_all();
}

void ReadAhead::work() {
  while (const std::shared_ptr<Ticket> ticket = take()) carry_out(*ticket);
}

// Waits; nullptr once cancelled.
std::shared_ptr<ReadAhead::Ticket> ReadAhead::take() {
  std::unique_lock lock(mutex_);
  has_work_.wait(lock, [&] { return is_cancelled_ || !unstarted_.empty(); });
  if (is_cancelled_) return nullptr;
  std::shared_ptr<Ticket> ticket = std::move(unstarted_.front());
  unstarted_.pop_front();
  running_.push_back(ticket);
  return ticket;
}

void ReadAhead::carry_out(Ticket& ticket) {
  std::unique_ptr<DeviceBatch> batch;
  uint64_t bytes = 0;
  std::exception_ptr failure;
  try {
    HostBatch read = reader_.read(ticket.samples, ticket.cancellation);
    for (const HostField& field : read.fields) bytes += field.bytes;
    batch = device_.upload(std::move(read));
  } catch (...) {
    failure = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  ticket.batch = std::move(batch);
  ticket.bytes = bytes;
  ticket.failure = failure;
  ticket.is_done = true;
  std::erase_if(running_, [&](const auto& running) { return running.get() == &ticket; });
  is_done_.notify_all();
}

}  // namespace trainhost
