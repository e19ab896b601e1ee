// The thread that follows: one thing at a time, in order; what fails is tried again for as long as the run lasts.
#include "mirror.h"
#include "names.h"

#include <trainhost/cpp/report.hpp>

namespace mirrorckpt {

using trainhost::PluginError;

namespace {

constexpr double kFirstWait = 0.5;  // seconds

double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

Clock::duration to_duration(double seconds) { return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)); }

}  // namespace

void Mirror::start_working() {
  if (!worker_.joinable() && !is_closing_) worker_ = std::thread([this] { work(); });
}

bool Mirror::is_over() const {
  const std::lock_guard lock(mutex_);
  return is_closing_ && Clock::now() >= give_up_at_;
}

void Mirror::work() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return is_closing_ || backlog_.has_work(); });
      if (is_closing_ && (!backlog_.has_work() || Clock::now() >= give_up_at_)) return;
    }
    try {
      if (work_once()) far_answers();
      remove_near();
      report_lag(false);
    } catch (const GivenUp&) {
      return;
    } catch (const Conflict& conflict) {
      {
        const std::lock_guard lock(mutex_);
        conflict_ = conflict.what();
      }
      host_.log_error("the far place is left alone from here on: {}", conflict.what());
      return;
    } catch (const PluginError& error) {
      far_fails(error.message);
      wait_to_retry();
    } catch (const std::exception& error) {
      far_fails(error.what());
      wait_to_retry();
    }
  }
}

// False: nothing could be done.
bool Mirror::work_once() {
  std::optional<Work> work;
  bool is_known = false;
  {
    const std::lock_guard lock(mutex_);
    is_known = backlog_.is_far_known();
    if (is_known) work = backlog_.next();
  }
  if (!is_known) return learn_far(), true;
  if (!work) return false;
  if (work->kind == Work::Kind::kSend) return send(work->item), true;
  sender_.far.remove(work->item.key);
  const std::lock_guard lock(mutex_);
  backlog_.removed_far(work->item.key);
  return true;
}

void Mirror::learn_far() {
  const Listing far = sender_.far.list(""), near = sender_.near.list("");
  std::vector<std::string> unlike;
  {
    const std::lock_guard lock(mutex_);
    unlike = backlog_.learn_far(near, far, Clock::now());
  }
  warn_of_unlike(unlike);
}

void Mirror::send(const Item& item) {
  try {
    sender_.send(item);
  } catch (const NearFailure& failure) {
    const std::lock_guard lock(mutex_);
    unreadable_.emplace_back(folder_of(item.key));
    const std::size_t num_dropped = backlog_.drop_folder(folder_of(item.key));
    host_.log_warning("{} is not sent to the far place ({} objects), it cannot be read near: {}", folder_of(item.key), num_dropped, failure.what());
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    backlog_.sent(item);
  }
  say_sent(item);
  if (!is_commit(item.key)) return;
  const Listing far = sender_.far.list("");  // whether somebody else writes there now
  const std::lock_guard lock(mutex_);
  backlog_.refresh_far(far);
}

void Mirror::remove_near() {
  std::vector<std::string> keys;
  {
    const std::lock_guard lock(mutex_);
    keys = backlog_.take_near_removals();
  }
  for (const std::string& key : keys) {
    try {
      sender_.near.remove(key);
    } catch (const PluginError& error) {
      host_.log_warning("{} stays near until the next start: {}", key, error.message);
    }
  }
}

void Mirror::say_sent(const Item& item) {
  if (!is_commit(item.key)) return;
  Lag lag;
  {
    const std::lock_guard lock(mutex_);
    lag = backlog_.lag(Clock::now());
  }
  host_.log_info("{} is in the far place too, {:.1f} s after it was saved near; {} objects ({} bytes) are behind", folder_of(item.key), seconds_since(item.since), lag.objects, lag.bytes);
  report_lag(true);
}

void Mirror::report_lag(bool is_due) {
  Lag lag;
  {
    const std::lock_guard lock(mutex_);
    lag = backlog_.lag(Clock::now());
  }
  const bool is_behind = lag.objects > 0;
  if (!is_due && is_behind == was_behind_ && (!is_behind || seconds_since(reported_at_) < config_.report_seconds)) return;
  was_behind_ = is_behind;
  reported_at_ = Clock::now();
  trainhost::report(host_, "lag",
                    {{"objects", static_cast<double>(lag.objects)}, {"bytes", static_cast<double>(lag.bytes)}, {"seconds", lag.seconds}, {"far_answers", is_far_up_ ? 1.0 : 0.0}});
}

void Mirror::far_answers() {
  retry_wait_ = 0;
  if (is_far_up_.exchange(true)) return;
  Lag lag;
  {
    const std::lock_guard lock(mutex_);
    lag = backlog_.lag(Clock::now());
  }
  host_.log_info("the far place answers again, after {:.0f} s; {} objects ({} bytes) are behind", seconds_since(down_since_), lag.objects, lag.bytes);
}

void Mirror::far_fails(const std::string& why) {
  if (is_far_up_.exchange(false)) {
    down_since_ = Clock::now();
    host_.log_warning("the far place fails; training goes on, and what is missing there is sent when it answers: {}", why);
    return report_lag(true);
  }
  host_.log_debug("the far place still fails: {}", why);
  report_lag(false);
}

void Mirror::wait_to_retry() {
  retry_wait_ = std::min(config_.retry_seconds, std::max(kFirstWait, 2 * retry_wait_));
  Clock::time_point until = Clock::now() + to_duration(retry_wait_);
  std::unique_lock lock(mutex_);
  const bool was_closing = is_closing_;
  if (was_closing) until = std::min(until, give_up_at_);
  changed_.wait_until(lock, until, [&] { return is_closing_ && !was_closing; });  // the end of the run is worth a try at once
}

void Mirror::close() {
  {
    const std::lock_guard lock(mutex_);
    if (is_closing_) return;
    is_closing_ = true;
    give_up_at_ = Clock::now() + to_duration(config_.wait_at_end_seconds);
    const Lag lag = backlog_.lag(Clock::now());
    if (worker_.joinable() && lag.objects > 0)
      host_.log_info("waiting up to {:.0f} s for {} objects ({} bytes) that the far place lacks", config_.wait_at_end_seconds, lag.objects, lag.bytes);
  }
  changed_.notify_all();
  const bool has_worked = worker_.joinable();
  if (has_worked) worker_.join();
  remove_near();
  say_what_is_left();
  if (!has_worked) return;
  report_lag(true);
  say_what_is_missing();
}

void Mirror::say_what_is_left() {
  const std::lock_guard lock(mutex_);
  if (const std::size_t num_left = backlog_.num_removals(); num_left > 0)
    host_.log_warning("{} objects that were removed near are still in the far place, which {}; they show in the list again, and retention or another prune removes them", num_left,
                      backlog_.is_far_known() ? "holds no later checkpoint yet" : "does not answer");
}

void Mirror::say_what_is_missing() {
  const std::lock_guard lock(mutex_);
  const Lag lag = backlog_.lag(Clock::now());
  if (lag.objects == 0 && unreadable_.empty()) return host_.log_info("everything is in the far place too");
  std::string checkpoints;
  for (const std::string& folder : unreadable_) host_.log_warning("{} is not in the far place: it could not be read near", folder);
  if (lag.objects == 0) return;
  for (const std::string& folder : lag.checkpoints) checkpoints += (checkpoints.empty() ? "" : ", ") + folder;
  host_.log_warning("{} objects ({} bytes) are not in the far place: {}; they are safe near, and the next start of this run sends them", lag.objects, lag.bytes,
                    checkpoints.empty() ? "records only" : checkpoints);
}

}  // namespace mirrorckpt
