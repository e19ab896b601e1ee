// Begins and ends the threads.
#include "data/read_ahead.h"

#include "base/log.h"
#include "data/read_ahead_core.h"

namespace trainhost {

ReadAhead::ReadAhead(const SampleSource& source, BatchDevice& device, ReadAheadOptions options) {
  const uint64_t threads = options.threads;
  core_ = std::make_shared<Core>(source, device, std::move(options));
  set_threads(threads);
}

ReadAhead::~ReadAhead() {
  core_->cancel();
  core_->clear();
  if (core_->wait_for_workers(core_->grace_seconds())) {
    for (Worker& worker : workers_) worker.thread.join();
    return;
  }
  join_ended();
  for (Worker& worker : workers_) worker.thread.detach();
  core_->source().leave_behind();
  log_warning("{}: {} of its reads did not come back; the plugin is left as it is", core_->place(), workers_.size());
}

bool ReadAhead::has_room() const { return core_->has_room(); }

bool ReadAhead::is_empty() const { return core_->is_empty(); }

void ReadAhead::push(SampleList samples) { core_->push(std::move(samples)); }

ReadAhead::Item ReadAhead::pop() { return core_->pop(); }

void ReadAhead::clear() { core_->clear(); }

void ReadAhead::cancel() { core_->cancel(); }

ReadingWork ReadAhead::work() const { return core_->work(); }

void ReadAhead::set_threads(uint64_t threads) {
  core_->set_threads(threads);
  join_ended();
  for (uint64_t missing = core_->num_missing(); missing > 0; --missing) {
    std::shared_ptr<bool> has_ended = core_->add_worker();
    workers_.push_back({std::thread([core = core_, has_ended] { core->run(has_ended); }), has_ended});
  }
}

void ReadAhead::join_ended() {
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    if (!core_->has_ended(worker->has_ended)) {
      ++worker;
      continue;
    }
    worker->thread.join();
    worker = workers_.erase(worker);
  }
}

}  // namespace trainhost
