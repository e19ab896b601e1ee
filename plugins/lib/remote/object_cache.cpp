#include "remote/object_cache.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <ctime>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trainhost/format.hpp>

#include "remote/block_file.h"

namespace trainhost::remote {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockFile = "locks";
constexpr uint64_t kRoomLock = uint64_t{1} << 62;         // blocks lock bytes below that
constexpr uint64_t kUnseenShare = 128;                    // of the limit: what a process adds before it looks at the whole folder again
constexpr int64_t kSecondsBetweenTouches = 60;            // how exact "read longest ago" is
constexpr auto kOldestTemporary = std::chrono::hours(1);  // of a process that died while it wrote

// Closes itself.
struct OpenFile {
  explicit OpenFile(int opened) : number(opened) {}
  ~OpenFile() {
    if (number >= 0) ::close(number);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int number;
};

bool write_fully(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(wrote));
  }
  return true;
}

void touch(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || ::time(nullptr) - status.st_mtim.tv_sec < kSecondsBetweenTouches) return;
  ::futimens(descriptor, nullptr);  // a failure makes the block look older than it is
}

struct KeptFile {
  fs::path path;
  uint64_t bytes;
  fs::file_time_type used;
};

// Temporary files of processes that are gone are removed on the way.
std::vector<KeptFile> kept_files(const fs::path& folder) {
  std::vector<KeptFile> files;
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  for (auto entry = fs::recursive_directory_iterator(folder, error); !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    if (entry.depth() != 1 || !entry->is_regular_file(gone)) continue;
    const KeptFile file{entry->path(), entry->file_size(gone), entry->last_write_time(gone)};
    if (gone) continue;  // another process was faster
    const bool is_temporary = file.path.filename().native().starts_with('.');
    if (is_temporary && now - file.used > kOldestTemporary) fs::remove(file.path, gone);
    if (!is_temporary) files.push_back(file);
  }
  return files;
}

}  // namespace

ObjectCache::Claim::~Claim() {
  if (descriptor_ >= 0) ::close(descriptor_);
}
ObjectCache::Claim::Claim(Claim&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

void ObjectCache::open() {
  if (limit_bytes_ == 0) return;
  std::error_code error;
  fs::create_directories(folder_.parent_path(), error);  // a failure shows below
  ::mkdir(folder_.c_str(), 0700);                        // copies of what only this user's keys may read
  const OpenFile locks(::open((folder_ / kLockFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  is_open_ = true;
  locks.number < 0 ? close_after(format("{}: {}", folder_, std::strerror(errno))) : make_room();
}

void ObjectCache::close_after(const std::string& words) {
  if (is_open_.exchange(false)) warn_(words);
}

bool ObjectCache::read(const BlockName& block, uint64_t offset, std::span<std::byte> out) {
  if (limit_bytes_ == 0) return false;
  const fs::path path = path_of(block.text);
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0) return false;
  if (!read_block_file(file.number, block.bytes, offset, out)) {
    ::unlink(path.c_str());
    return false;
  }
  touch(file.number);
  return true;
}

bool ObjectCache::holds(const BlockName& block) const { return ::access(path_of(block.text).c_str(), R_OK) == 0; }

std::optional<ObjectCache::Claim> ObjectCache::claim(const BlockName& block) {
  uint64_t number = 0;
  const std::string_view digits = std::string_view(block.text).substr(0, 15);  // below 2^60; names of one object differ in what follows
  std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  const size_t dash = block.text.find('-');
  uint64_t index = 0;
  std::from_chars(block.text.data() + dash + 1, block.text.data() + block.text.size(), index);
  return lock_byte((number + index) % kRoomLock);
}

// One byte of one file for each block: there is nothing to clean up, and the system frees it when its holder dies. It is the open file that holds the lock, so that the
// threads of a process exclude each other too.
std::optional<ObjectCache::Claim> ObjectCache::lock_byte(uint64_t number) {
  if (!is_open_) return std::nullopt;
  Claim claim(::open((folder_ / kLockFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(number);
  lock.l_len = 1;
  if (::fcntl(claim.descriptor(), F_OFD_SETLK, &lock) == 0) return claim;
  if (errno != EAGAIN && errno != EACCES) close_after(format("{}: {}", folder_ / kLockFile, std::strerror(errno)));
  return std::nullopt;
}

void ObjectCache::keep(const BlockName& block, std::span<const std::byte> bytes) {
  if (!is_open_) return;
  if (const std::string words = write(block, bytes); !words.empty()) return close_after(words);
  {
    const std::lock_guard lock(mutex_);
    unseen_bytes_ += block_file_bytes(block.bytes);
    if (unseen_bytes_ <= limit_bytes_ / kUnseenShare) return;
    unseen_bytes_ = 0;
  }
  make_room();
}

std::string ObjectCache::write(const BlockName& block, std::span<const std::byte> bytes) const {
  const fs::path path = path_of(block.text);
  ::mkdir(path.parent_path().c_str(), 0700);
  std::string temporary = (path.parent_path() / format(".{}.XXXXXX", block.text)).string();
  const OpenFile file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.number < 0) return format("{}: {}", path, std::strerror(errno));
  const std::vector<uint64_t> sums = page_checksums(bytes);
  if (write_fully(file.number, bytes) && write_fully(file.number, std::as_bytes(std::span(sums))) && ::rename(temporary.c_str(), path.c_str()) == 0) return {};
  const int error = errno;
  ::unlink(temporary.c_str());
  return format("{}: {}", path, std::strerror(error));
}

// Leaves room for what eight processes add before each of them looks again.
void ObjectCache::make_room() {
  const auto claim = lock_byte(kRoomLock);
  if (!claim) return;  // another process is at it
  std::vector<KeptFile> files = kept_files(folder_);
  uint64_t bytes = 0;
  for (const KeptFile& file : files) bytes += file.bytes;
  std::sort(files.begin(), files.end(), [](const KeptFile& a, const KeptFile& b) { return a.used < b.used; });
  for (const KeptFile& file : files) {
    if (bytes <= limit_bytes_ - limit_bytes_ / kUnseenShare * 8) return;
    std::error_code ignored;
    if (fs::remove(file.path, ignored)) bytes -= file.bytes;
  }
}

}  // namespace trainhost::remote
