// System calls with their errors in words.
#include "posix.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <trainhost/cpp/error.hpp>

namespace localckpt {

using trainhost::format;
using trainhost::PluginError;

namespace {

constexpr uint64_t kDirectAlignment = 4096;  // at least that of any disk's blocks

trainhost_status status_of(int error) {
  switch (error) {
    case ENOSPC: case EDQUOT: case EFBIG: case ENOMEM: return TRAINHOST_RESOURCE_EXHAUSTED;
    case EACCES: case EPERM: case EROFS: return TRAINHOST_PERMISSION_DENIED;
    case ENOENT: case EISDIR: return TRAINHOST_NOT_FOUND;
    case EEXIST: return TRAINHOST_ALREADY_EXISTS;
    case ENOTDIR: case ELOOP: return TRAINHOST_FAILED_PRECONDITION;
    case EINVAL: case ENAMETOOLONG: return TRAINHOST_INVALID_ARGUMENT;
    case EMFILE: case ENFILE: case EAGAIN: case ESTALE: case ETIMEDOUT: return TRAINHOST_UNAVAILABLE;
    case EIO: return TRAINHOST_DATA_LOSS;
    default: return TRAINHOST_INTERNAL;
  }
}

/// "; 12 KiB are free there", for a path that need not exist.
std::string free_room(std::filesystem::path path) {
  struct statvfs room{};
  while (::statvfs(path.c_str(), &room) != 0) {
    if (!path.has_relative_path()) return {};
    path = path.parent_path();
  }
  return format("; {} KiB are free there", static_cast<uint64_t>(room.f_bavail) * room.f_frsize / 1024);
}

/// True when the lock was got, or the file system knows none.
bool lock(const Handle& file) {
  return ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR);
}

uint64_t num_links(const Handle& file) {
  struct stat facts{};
  return ::fstat(file.get(), &facts) == 0 ? facts.st_nlink : 0;
}

}  // namespace

Handle::~Handle() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void fail(int error, const std::filesystem::path& path, std::string_view what) {
  const trainhost_status status = status_of(error);
  throw PluginError(status, format("{}: {}: {}{}", path.string(), what, std::strerror(error), status == TRAINHOST_RESOURCE_EXHAUSTED ? free_room(path) : std::string()));
}

void write_at(const Handle& file, const std::filesystem::path& path, uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno, path, "cannot be written");
    offset += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

Handle open_direct(const std::filesystem::path& path) { return Handle(::open(path.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC)); }

void write_past_cache(const Handle& file, const Handle& direct, const std::filesystem::path& path, uint64_t offset, std::span<const std::byte> bytes) {
  const auto skip = [&](size_t size) { offset += size, bytes = bytes.subspan(size); };
  const bool is_aligned = direct.is_open() && offset % kDirectAlignment == 0 && reinterpret_cast<uintptr_t>(bytes.data()) % kDirectAlignment == 0;
  while (is_aligned && bytes.size() >= kDirectAlignment) {
    const ssize_t written = ::pwrite(direct.get(), bytes.data(), bytes.size() / kDirectAlignment * kDirectAlignment, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno != EINVAL) fail(errno, path, "cannot be written");
    if (written < 0) break;  // this file system aligns to more than that
    skip(static_cast<size_t>(written));
  }
  if (bytes.empty()) return;
  write_at(file, path, offset, bytes);
  // Its failure is the only word about lost bytes: fsync would not repeat it.
  const unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  if (::sync_file_range(file.get(), static_cast<off64_t>(offset), static_cast<off64_t>(bytes.size()), all) != 0 && errno != ENOSYS && errno != EINVAL) fail(errno, path, "cannot be written");
  ::posix_fadvise(file.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes.size()), POSIX_FADV_DONTNEED);
}

size_t read_at(const Handle& file, const std::filesystem::path& path, uint64_t offset, std::span<std::byte> out) {
  size_t got = 0;
  while (got < out.size()) {
    const ssize_t read = ::pread(file.get(), out.data() + got, out.size() - got, static_cast<off_t>(offset + got));
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) fail(errno, path, "cannot be read");
    if (read == 0) break;
    got += static_cast<size_t>(read);
  }
  return got;
}

void reserve(const Handle& file, const std::filesystem::path& path, uint64_t size) {
  if (size == 0) return;
  int result;
  do result = ::fallocate(file.get(), 0, 0, static_cast<off_t>(size));
  while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EOPNOTSUPP && errno != ENOSYS) fail(errno, path, format("cannot grow to {} bytes", size));
}

void sync_file(const Handle& file, const std::filesystem::path& path) {
  // After a failed fsync the kernel may have dropped the data: only writing elsewhere helps, which UNAVAILABLE on commit makes the host do.
  if (::fsync(file.get()) != 0) {
    if (errno == EIO) throw PluginError(TRAINHOST_UNAVAILABLE, format("{}: did not reach the disk: {}", path.string(), std::strerror(EIO)));
    fail(errno, path, "cannot be synced");
  }
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
}

void sync_folder(const std::filesystem::path& folder) {
  const Handle handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle.is_open()) fail(errno, folder, "cannot be opened");
  if (::fsync(handle.get()) != 0 && errno != EINVAL) fail(errno, folder, "cannot be synced");
}

bool publish(const Handle& file, const std::filesystem::path& temporary, const std::filesystem::path& path) {
  if (::link(temporary.c_str(), path.c_str()) == 0) {
    ::unlink(temporary.c_str());
    return true;
  }
  // Over NFS the reply to a link that succeeded may be lost; the second try then finds it taken, by ourselves.
  if (errno == EEXIST && num_links(file) == 2) {
    ::unlink(temporary.c_str());
    return true;
  }
  if (errno == EEXIST) return false;
  // A file system without hard links.
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) fail(errno, path, "cannot be given its name");
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST) return false;
  fail(errno, path, "cannot be given its name: the file system knows neither hard links nor exclusive renames");
}

std::pair<Handle, std::filesystem::path> open_temporary(const std::filesystem::path& folder) {
  static std::atomic<uint64_t> counter{0};
  for (;;) {
    const std::filesystem::path path = folder / format("~{}-{}", ::getpid(), ++counter);
    Handle file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file.is_open() && errno == ENOENT) return {};
    if (!file.is_open() && errno == EEXIST) continue;
    if (!file.is_open()) fail(errno, path, "cannot be created");
    // Between its making and its lock another process may have taken it for a dead one's.
    if (lock(file) && num_links(file) == 1) return {std::move(file), path};
    ::unlink(path.c_str());
  }
}

bool is_temporary(const std::filesystem::path& path) { return path.filename().native().starts_with('~'); }

void reap_temporary(const std::filesystem::path& path) {
  const Handle file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (file.is_open() && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
}

}  // namespace localckpt
