// Reading and atomic writing of whole files.
#include "base/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace trainhost {
namespace {

[[noreturn]] void fail(ExitCode code, const std::filesystem::path& path, std::string_view what, int error) {
  throw Error(code, format("{}: {}: {}", path.string(), what, std::strerror(error)));
}

void sync_folder(const std::filesystem::path& folder, ExitCode code) {
  const int handle = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) fail(code, folder, "cannot be opened", errno);
  const int result = ::fsync(handle);
  const int error = errno;
  ::close(handle);
  if (result != 0) fail(code, folder, "cannot be synced", error);
}

void write_all(int handle, std::string_view text, ExitCode code, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(handle, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      ::close(handle);
      ::unlink(path.c_str());
      fail(code, path, "cannot be written", error);
    }
    text.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

std::string read_file(const std::filesystem::path& path, ExitCode code) {
  std::error_code is_folder_error;
  if (std::filesystem::is_directory(path, is_folder_error)) fail(code, path, "cannot be read", EISDIR);
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(code, path, "cannot be read", errno);
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad()) fail(code, path, "cannot be read", errno);
  return std::move(text).str();
}

void write_file_atomically(const std::filesystem::path& path, std::string_view text, ExitCode code) {
  const std::filesystem::path temporary = path.string() + format(".tmp{}", ::getpid());
  const int handle = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (handle < 0) fail(code, temporary, "cannot be created", errno);
  write_all(handle, text, code, temporary);
  const int synced = ::fsync(handle);
  const int sync_error = errno;
  ::close(handle);
  if (synced != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = synced != 0 ? sync_error : errno;
    ::unlink(temporary.c_str());
    fail(code, path, "cannot be written", error);
  }
  sync_folder(path.parent_path(), code);
}

void make_writable_folder(const std::filesystem::path& path, ExitCode code) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error && !std::filesystem::is_directory(path)) fail(code, path, "folder cannot be created", error.value());
  const std::filesystem::path probe = path / format(".probe{}", ::getpid());
  const int handle = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (handle < 0) fail(code, path, "folder is not writable", errno);
  ::close(handle);
  ::unlink(probe.c_str());
}

bool is_path_word(std::string_view word) {
  return word.starts_with('/') || word.starts_with("./") || word.starts_with("../") || (word.find('/') != std::string_view::npos && word.ends_with(".so"));
}

bool has_uri_scheme(std::string_view word) {
  const size_t colon = word.find(':');
  return colon != std::string_view::npos && colon > 0 && word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+.-") >= colon;
}

std::filesystem::path program_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

std::string human_bytes(double bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; bytes >= 1023.5 && unit + 1 < units.size(); ++unit) bytes /= 1024;
  return format(bytes >= 99.95 ? "{:.0f} {}" : "{:.3g} {}", bytes, units[unit]);
}

}  // namespace trainhost
