// Keys, folders and the order of system calls that makes an object durable before it is visible.
#include "file_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <trainhost/cpp/error.hpp>

namespace localckpt {

using trainhost::format;
using trainhost::PluginError;

namespace {

constexpr size_t kMaxKey = 512;
constexpr std::string_view kKeyCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";

bool is_part_valid(std::string_view part) { return !part.empty() && part != "." && part != ".."; }

bool is_key_valid(std::string_view key) {
  if (key.empty() || key.size() > kMaxKey || key.find_first_not_of(kKeyCharacters) != std::string_view::npos) return false;
  for (size_t begin = 0; begin <= key.size();) {
    const size_t end = std::min(key.find('/', begin), key.size());
    if (!is_part_valid(key.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return true;
}

/// Calls visit(path, facts) for everything below the folder that is no folder. What vanishes meanwhile is passed over.
template <class Visit>
void walk(const std::filesystem::path& folder, const Visit& visit) {
  DIR* opened = ::opendir(folder.c_str());
  if (!opened) {
    if (errno == ENOENT || errno == ENOTDIR) return;
    fail(errno, folder, "cannot be listed");
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(opened))
    if (const std::string_view name = entry->d_name; name != "." && name != "..") names.emplace_back(name);
  const int error = errno;
  ::closedir(opened);
  if (error != 0) fail(error, folder, "cannot be listed");
  for (const std::string& name : names) {
    struct stat facts{};
    const std::filesystem::path path = folder / name;
    if (::stat(path.c_str(), &facts) != 0) continue;
    if (S_ISDIR(facts.st_mode)) walk(path, visit);
    else visit(path, facts);
  }
}

/// Below the folder, not the folder itself. A living writer whose folder goes makes it again.
void remove_empty_folders(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) folders.push_back(entry.path());
  for (const std::filesystem::path& inner : folders) {
    remove_empty_folders(inner);
    ::rmdir(inner.c_str());
  }
}

/// Another process may remove the folder meanwhile.
void sync_if_there(const std::filesystem::path& folder) {
  try {
    sync_folder(folder);
  } catch (const PluginError& error) {
    if (error.status != TRAINHOST_NOT_FOUND) throw;
  }
}

}  // namespace

std::filesystem::path FileStore::path_of(std::string_view key) const {
  if (!is_key_valid(key)) throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("key \"{}\": wanted parts of [A-Za-z0-9._-] between single slashes, at most {} bytes", key, kMaxKey));
  return root_ / key;
}

void FileStore::open() {
  struct stat facts{};
  if (::stat(root_.c_str(), &facts) != 0) {
    if (errno == ENOENT) return;
    fail(errno, root_, "cannot be used for checkpoints");
  }
  if (!S_ISDIR(facts.st_mode)) fail(ENOTDIR, root_, "cannot be used for checkpoints");
  walk(root_, [](const std::filesystem::path& path, const struct stat&) {
    if (is_temporary(path)) reap_temporary(path);
  });
  remove_empty_folders(root_);
}

void FileStore::make_folder(const std::filesystem::path& folder) {
  const bool is_new = ::mkdir(folder.c_str(), 0755) == 0;
  const int error = errno;
  if (is_new) {
    if (folder.native().size() <= root_.native().size()) made_.insert(folder);
    safe_.erase(folder);
  } else if (error != EEXIST || !std::filesystem::is_directory(folder)) {
    // With its parent there, ENOENT means that this file system makes no folders (/proc).
    if (error != ENOENT || !folder.has_parent_path() || std::filesystem::is_directory(folder.parent_path())) fail(error, folder, "folder cannot be made");
    make_folder(folder.parent_path());
    return make_folder(folder);
  }
  make_safe(folder, is_new);
}

/// Whoever made a folder may have died before its name was on the disk, so each folder on the way is looked after once.
void FileStore::make_safe(const std::filesystem::path& folder, bool is_new) {
  if (safe_.contains(folder) || folder == folder.root_path() || folder == ".") return;
  const std::filesystem::path parent = folder.has_parent_path() ? folder.parent_path() : std::filesystem::path(".");
  make_safe(parent, false);
  try {
    sync_folder(parent);
  } catch (const PluginError& error) {
    // Where this user may not even look, the folder is none that a run has just made.
    if (is_new || error.status != TRAINHOST_PERMISSION_DENIED) throw;
  }
  safe_.insert(folder);
}

std::pair<Handle, std::filesystem::path> FileStore::begin(std::string_view key, uint64_t size) {
  const std::filesystem::path path = path_of(key);
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) == 0) fail(EEXIST, path, "cannot be written");
  return open_beside(path, size);
}

std::pair<Handle, std::filesystem::path> FileStore::open_beside(const std::filesystem::path& path, uint64_t size) {
  std::pair<Handle, std::filesystem::path> begun;
  while (!begun.first.is_open()) {  // another process may prune the folder in between
    const std::lock_guard lock(mutex_);
    make_folder(path.parent_path());
    begun = open_temporary(path.parent_path());
  }
  try {
    reserve(begun.first, path, size);
  } catch (...) {
    abandon(begun.second);
    throw;
  }
  return begun;
}

bool FileStore::finish(Handle file, const std::filesystem::path& temporary, std::string_view key) {
  const std::filesystem::path path = path_of(key);
  try {
    sync_file(file, path);
    if (!publish(file, temporary, path)) {
      abandon(temporary);
      return false;
    }
  } catch (...) {
    abandon(temporary);
    throw;
  }
  sync_folder(path.parent_path());
  return true;
}

void FileStore::abandon(const std::filesystem::path& temporary) noexcept {
  ::unlink(temporary.c_str());
  prune(temporary.parent_path());
}

bool FileStore::create(std::string_view key, std::span<const std::byte> bytes) {
  struct stat facts{};
  const std::filesystem::path path = path_of(key);
  if (::lstat(path.c_str(), &facts) != 0) {
    auto [file, temporary] = open_beside(path, bytes.size());  // another writer may be faster: finish() tells
    try {
      write_at(file, path, 0, bytes);
    } catch (...) {
      abandon(temporary);
      throw;
    }
    if (finish(std::move(file), temporary, key)) return true;
  }
  if (!holds(key, bytes)) return false;
  sync_folder(path.parent_path());  // whoever made it may have died before this
  return true;
}

bool FileStore::holds(std::string_view key, std::span<const std::byte> bytes) const {
  std::vector<std::byte> stored(bytes.size() + 1);
  return get(key, 0, stored) == bytes.size() && std::equal(bytes.begin(), bytes.end(), stored.begin());
}

size_t FileStore::get(std::string_view key, uint64_t offset, std::span<std::byte> out) const {
  const std::filesystem::path path = path_of(key);
  const Handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) fail(errno == ENOTDIR ? ENOENT : errno, path, "cannot be opened");
  return read_at(file, path, offset, out);
}

std::vector<FoundFile> FileStore::list(std::string_view prefix) const {
  const size_t slash = prefix.rfind('/');
  const std::string_view folder = slash == std::string_view::npos ? std::string_view() : prefix.substr(0, slash);
  if (!folder.empty() && !is_key_valid(folder)) return {};
  std::vector<FoundFile> found;
  walk(folder.empty() ? root_ : root_ / folder, [&](const std::filesystem::path& path, const struct stat& facts) {
    std::string key = path.lexically_relative(root_).generic_string();
    if (!is_temporary(path) && S_ISREG(facts.st_mode) && key.starts_with(prefix))
      found.push_back({std::move(key), static_cast<uint64_t>(facts.st_size), int64_t{facts.st_mtim.tv_sec} * 1000 + facts.st_mtim.tv_nsec / 1'000'000});
  });
  std::sort(found.begin(), found.end(), [](const FoundFile& a, const FoundFile& b) { return a.key < b.key; });
  return found;
}

/// What was removed from the folder before, also by a process that was killed then, is gone for good before this is: else a power cut may bring the record of a
/// checkpoint back, and not what it vouches for.
void FileStore::remove(std::string_view key) {
  const std::filesystem::path path = path_of(key);
  struct stat found{};
  if (::lstat(path.c_str(), &found) == 0 && !S_ISDIR(found.st_mode)) sync_if_there(path.parent_path());
  if (::unlink(path.c_str()) != 0) {
    struct stat facts{};
    const int error = errno;
    const bool is_folder = ::lstat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
    if (error != ENOENT && error != ENOTDIR && !is_folder) fail(error, path, "cannot be removed");
    if (is_folder) return;
  }
  prune(path.parent_path());
}

void FileStore::prune(std::filesystem::path folder) noexcept {
  const std::lock_guard lock(mutex_);
  for (; folder.native().size() > root_.native().size() || made_.contains(folder); folder = folder.parent_path()) {
    if (::rmdir(folder.c_str()) != 0 && errno != ENOENT) return;
    made_.erase(folder);
    safe_.erase(folder);
  }
}

}  // namespace localckpt
