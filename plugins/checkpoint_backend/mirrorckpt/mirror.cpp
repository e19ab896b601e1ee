// What the host asks for. Nothing here waits for the far place, except a read of what only lies there, and open().
#include "mirror.h"

#include "names.h"

namespace mirrorckpt {

using trainhost::format;
using trainhost::PluginError;
using trainhost::UpstreamBackend;

namespace {

constexpr std::size_t kMostRecordBytes = std::size_t{1} << 20;

std::uint64_t count_commits(const Listing& listing) {
  return static_cast<std::uint64_t>(std::count_if(listing.begin(), listing.end(), [](const auto& object) { return is_commit(object.key); }));
}

}  // namespace

Mirror::Mirror(const trainhost::Host& host, const Config& config) : host_(host), config_(config) {
  sender_ = {UpstreamBackend(host, 0), UpstreamBackend(host, 1), config.part_bytes, static_cast<unsigned>(config.parts_at_once), [this] { return is_over(); }};
}

void Mirror::open() {
  const Listing near = sender_.near.list("");
  backlog_.begin(near);
  try {
    const Listing far = sender_.far.list("");
    warn_of_unlike(backlog_.learn_far(near, far, Clock::now()));
    is_far_up_ = true;
    const Lag lag = backlog_.lag(Clock::now());
    host_.log_info("{} checkpoints in the near place, {} in the far one, which lacks {} objects ({} bytes)", count_commits(near), count_commits(far), lag.objects, lag.bytes);
  } catch (const PluginError& error) {
    if (error.status != TRAINHOST_UNAVAILABLE) throw;
    if (!backlog_.has_checkpoints() && !config_.start_without_far)
      throw PluginError(TRAINHOST_UNAVAILABLE,
                        format("the far place does not answer and the near one is empty, so that checkpoints in the far one would be passed over; wait for it, or set "
                               "[mirrorckpt] start_without_far = true for a run that has none: {}", std::string_view(error.message).substr(0, 240)));
    down_since_ = Clock::now();
    host_.log_warning("the far place does not answer; the run goes on with the near one and catches up later: {}", error.message);
  }
}

void Mirror::warn_of_unlike(const std::vector<std::string>& keys) const {
  for (const std::string& key : keys)
    host_.log_warning("{}: has different sizes near and far: one is damaged, or another run wrote there; the host's checksums decide which is used", key);
}

void Mirror::require_no_conflict() {
  const std::lock_guard lock(mutex_);
  if (!conflict_.empty())
    throw PluginError(TRAINHOST_FAILED_PRECONDITION, format("the far place belongs to another run or a newer process of this one; what was saved is safe near: {}", conflict_));
}

void Mirror::require_far_is_writable() {
  constexpr std::string_view kProbe = "mirror-probe";
  try {
    try {
      const std::byte byte{};
      UpstreamBackend::Put put = sender_.far.put_begin(kProbe, 1, config_.part_bytes);
      put.part(0, {&byte, 1}, 0x527d5351u);  // CRC32C of a zero byte
      put.commit();
    } catch (const PluginError& error) {
      if (error.status != TRAINHOST_ALREADY_EXISTS) throw;  // else a process died between putting and removing it
    }
    sender_.far.remove(kProbe);
    const std::lock_guard lock(mutex_);
    backlog_.removed_far(kProbe);
  } catch (const PluginError& error) {
    if (error.status != TRAINHOST_UNAVAILABLE) throw PluginError(error.status, format("the far place cannot be written: {}", error.message));
    host_.log_warning("the far place does not take a probe now; the run catches up later: {}", error.message);
  }
}

void Mirror::begin_put(std::string_view key) {
  require_no_conflict();
  if (is_far_up_) std::call_once(probed_, [&] { require_far_is_writable(); });
  const std::lock_guard lock(mutex_);
  if (backlog_.is_far(key) || backlog_.is_hidden(key)) throw PluginError(TRAINHOST_ALREADY_EXISTS, format("{}: is there in the far place", key));
}

bool Mirror::is_near(std::string_view key) const {
  std::byte byte;
  try {
    sender_.near.get(key, 0, {&byte, 1});
    return true;
  } catch (const PluginError& error) {
    if (error.status == TRAINHOST_NOT_FOUND) return false;
    throw;
  }
}

void Mirror::require_equal_far(std::string_view key, std::span<const std::byte> bytes) {
  std::vector<std::byte> stored(bytes.size() + 1);
  const std::size_t got = get_far(key, 0, stored);
  if (got != bytes.size() || !std::equal(bytes.begin(), bytes.end(), stored.begin()))
    throw PluginError(TRAINHOST_ALREADY_EXISTS, format("{}: the far place holds other bytes", key));
}

void Mirror::create(std::string_view key, std::span<const std::byte> bytes) {
  require_no_conflict();
  bool is_far = false;
  {
    const std::lock_guard lock(mutex_);
    if (backlog_.is_hidden(key)) throw PluginError(TRAINHOST_ALREADY_EXISTS, format("{}: is not gone from the far place yet", key));
    is_far = backlog_.is_far(key);
  }
  if (is_far && !is_near(key)) require_equal_far(key, bytes);
  sender_.near.create(key, bytes);
  Listing files;
  if (is_commit(key)) files = sender_.near.list(format("{}/", folder_of(key)));
  {
    const std::lock_guard lock(mutex_);
    if (is_commit(key)) backlog_.commit(folder_of(key), std::move(files), Clock::now());
    else backlog_.add_record(key, bytes.size(), Clock::now());
    start_working();
  }
  changed_.notify_all();
}

std::size_t Mirror::get(std::string_view key, std::uint64_t offset, std::span<std::byte> out) {
  bool is_far = false;
  {
    const std::lock_guard lock(mutex_);
    if (backlog_.is_hidden(key)) throw PluginError(TRAINHOST_NOT_FOUND, format("{}: was removed", key));
    is_far = backlog_.is_far(key);
  }
  try {
    return sender_.near.get(key, offset, out);
  } catch (const PluginError& error) {
    if (!is_far || (error.status != TRAINHOST_NOT_FOUND && error.status != TRAINHOST_DATA_LOSS)) throw;
    if (error.status == TRAINHOST_DATA_LOSS) host_.log_warning("{}: damaged in the near place, read from the far one: {}", key, error.message);
  }
  return get_far(key, offset, out);
}

std::size_t Mirror::get_copy(bool is_far, std::string_view key, std::uint64_t offset, std::span<std::byte> out) {
  {
    const std::lock_guard lock(mutex_);
    if (backlog_.is_hidden(key)) throw PluginError(TRAINHOST_NOT_FOUND, format("{}: was removed", key));
  }
  return is_far ? sender_.far.get(key, offset, out) : sender_.near.get(key, offset, out);
}

// Records are asked for again and again: after the first time the far place may be down.
std::size_t Mirror::get_far(std::string_view key, std::uint64_t offset, std::span<std::byte> out) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = far_records_.find(key); known != far_records_.end() && offset == 0) {
      const std::size_t got = std::min(out.size(), known->second.size());
      std::copy_n(reinterpret_cast<const std::byte*>(known->second.data()), got, out.begin());
      return got;
    }
  }
  const std::size_t got = sender_.far.get(key, offset, out);
  if (record_rank(key) > 0 && offset == 0 && got < out.size() && got <= kMostRecordBytes) {
    const std::lock_guard lock(mutex_);
    far_records_[std::string(key)] = std::string(reinterpret_cast<const char*>(out.data()), got);
  }
  return got;
}

Listing Mirror::list(std::string_view prefix) {
  Listing near = sender_.near.list(prefix);
  const std::lock_guard lock(mutex_);
  return backlog_.merge(prefix, std::move(near));
}

void Mirror::remove(std::string_view key) {
  {
    const std::lock_guard lock(mutex_);
    if (backlog_.put_off_remove(key)) return;
  }
  sender_.near.remove(key);
  {
    const std::lock_guard lock(mutex_);
    backlog_.end_remove(key);
    if (backlog_.may_remove_far()) start_working();  // `ckpt prune` makes nothing
  }
  changed_.notify_all();
}

}  // namespace mirrorckpt
