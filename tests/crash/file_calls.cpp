// The table of calls, and paths out of the memory and the descriptors of a stopped program.
#include "file_calls.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

namespace crash {
namespace {

enum class Names { kDescriptor, kPath, kAt, kTwoPaths, kTwoAts };

struct KnownCall {
  long number;
  const char* name;
  Names names;
  bool is_change;
};

constexpr KnownCall kCalls[] = {
    {SYS_open, "open", Names::kPath, false},
    {SYS_creat, "creat", Names::kPath, true},
    {SYS_openat, "openat", Names::kAt, false},
    {SYS_close, "close", Names::kDescriptor, false},
    {SYS_read, "read", Names::kDescriptor, false},
    {SYS_pread64, "pread64", Names::kDescriptor, false},
    {SYS_readv, "readv", Names::kDescriptor, false},
    {SYS_preadv, "preadv", Names::kDescriptor, false},
    {SYS_lseek, "lseek", Names::kDescriptor, false},
    {SYS_getdents64, "getdents64", Names::kDescriptor, false},
    {SYS_fstat, "fstat", Names::kDescriptor, false},
    {SYS_stat, "stat", Names::kPath, false},
    {SYS_lstat, "lstat", Names::kPath, false},
    {SYS_newfstatat, "newfstatat", Names::kAt, false},
    {SYS_statx, "statx", Names::kAt, false},
    {SYS_access, "access", Names::kPath, false},
    {SYS_faccessat, "faccessat", Names::kAt, false},
    {SYS_faccessat2, "faccessat2", Names::kAt, false},
    {SYS_statfs, "statfs", Names::kPath, false},
    {SYS_flock, "flock", Names::kDescriptor, false},
    {SYS_fadvise64, "fadvise64", Names::kDescriptor, false},
    {SYS_sync_file_range, "sync_file_range", Names::kDescriptor, false},
    {SYS_write, "write", Names::kDescriptor, true},
    {SYS_pwrite64, "pwrite64", Names::kDescriptor, true},
    {SYS_writev, "writev", Names::kDescriptor, true},
    {SYS_pwritev, "pwritev", Names::kDescriptor, true},
    {SYS_copy_file_range, "copy_file_range", Names::kDescriptor, true},
    {SYS_fallocate, "fallocate", Names::kDescriptor, true},
    {SYS_ftruncate, "ftruncate", Names::kDescriptor, true},
    {SYS_truncate, "truncate", Names::kPath, true},
    {SYS_fsync, "fsync", Names::kDescriptor, true},
    {SYS_fdatasync, "fdatasync", Names::kDescriptor, true},
    {SYS_link, "link", Names::kTwoPaths, true},
    {SYS_linkat, "linkat", Names::kTwoAts, true},
    {SYS_rename, "rename", Names::kTwoPaths, true},
    {SYS_renameat, "renameat", Names::kTwoAts, true},
    {SYS_renameat2, "renameat2", Names::kTwoAts, true},
    {SYS_unlink, "unlink", Names::kPath, true},
    {SYS_unlinkat, "unlinkat", Names::kAt, true},
    {SYS_mkdir, "mkdir", Names::kPath, true},
    {SYS_mkdirat, "mkdirat", Names::kAt, true},
    {SYS_rmdir, "rmdir", Names::kPath, true},
};

std::string read_link(const std::string& link) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(link.c_str(), target, sizeof target);
  return size < 0 ? std::string() : std::string(target, static_cast<size_t>(size));
}

std::string process_entry(pid_t thread, const std::string& entry) { return read_link("/proc/" + std::to_string(thread) + "/" + entry); }

std::string descriptor_path(pid_t thread, uint64_t descriptor) { return process_entry(thread, "fd/" + std::to_string(static_cast<int>(descriptor))); }

/// A page at a time, since the next one may not be there.
std::string read_text(pid_t thread, uint64_t address) {
  constexpr uint64_t kPage = 4096;
  std::string text;
  while (text.size() < PATH_MAX) {
    const std::string piece = read_memory(thread, address, kPage - address % kPage);
    const size_t end = piece.find('\0');
    text += piece.substr(0, end);
    if (end != std::string::npos || piece.empty()) break;
    address += piece.size();
  }
  return text;
}

std::string absolute_path(pid_t thread, uint64_t folder, uint64_t address) {
  const std::string path = address ? read_text(thread, address) : std::string();
  if (path.starts_with('/')) return path;
  const std::string base = static_cast<int>(folder) == AT_FDCWD ? process_entry(thread, "cwd") : descriptor_path(thread, folder);
  return path.empty() ? base : base + "/" + path;
}

bool is_opened_to_change(const KnownCall& known, const std::array<uint64_t, 6>& arguments) {
  if (known.number != SYS_open && known.number != SYS_openat) return false;
  return (arguments[known.number == SYS_open ? 1 : 2] & (O_CREAT | O_TRUNC)) != 0;
}

}  // namespace

std::optional<FileCall> read_file_call(pid_t thread, uint64_t number, const std::array<uint64_t, 6>& arguments) {
  const auto known = std::find_if(std::begin(kCalls), std::end(kCalls), [&](const KnownCall& call) { return call.number == static_cast<long>(number); });
  if (known == std::end(kCalls)) return std::nullopt;
  FileCall call{known->name, {}, {}, arguments, 0, known->is_change || is_opened_to_change(*known, arguments), thread};
  constexpr uint64_t kHere = static_cast<uint64_t>(AT_FDCWD);
  switch (known->names) {
    case Names::kDescriptor: call.path = descriptor_path(thread, arguments[0]); break;
    case Names::kPath: call.path = absolute_path(thread, kHere, arguments[0]); break;
    case Names::kAt: call.path = absolute_path(thread, arguments[0], arguments[1]); break;
    case Names::kTwoPaths:
      call.path = absolute_path(thread, kHere, arguments[0]);
      call.second_path = absolute_path(thread, kHere, arguments[1]);
      break;
    case Names::kTwoAts:
      call.path = absolute_path(thread, arguments[0], arguments[1]);
      call.second_path = absolute_path(thread, arguments[2], arguments[3]);
      break;
  }
  return call;
}

}  // namespace crash
