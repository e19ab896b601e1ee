// Modes and owners from the file up to the root of the file system.
#include "plugin/trust.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "base/error.h"

namespace trainhost {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAllow = "set allow_writable_plugins = true to load it all the same";

// What cannot be looked at cannot be opened either, and is reported there.
bool look_at(const fs::path& path, struct stat& facts) { return ::stat(path.c_str(), &facts) == 0; }

// "1777", as chmod takes it.
std::string mode_text(mode_t mode) {
  std::array<char, 8> digits{};
  return {digits.data(), std::to_chars(digits.begin(), digits.end(), mode & 07777U, 8).ptr};
}

std::string writable_complaint(const fs::path& path, mode_t mode) {
  return format("{}: may be written to by everybody (mode {}), so anybody's code could be loaded from it; chmod o-w {}, or {}", path.string(), mode_text(mode),
                path.string(), kAllow);
}

std::string owner_complaint(const fs::path& path, uid_t owner) {
  return format("{}: belongs to user {}, who is neither root nor you nor the owner of this program; copy the plugin file to a folder of your own, or {}",
                path.string(), owner, kAllow);
}

std::string distrust(const fs::path& path, const TrustedOwners& owners) {
  struct stat facts {};
  if (!look_at(path, facts)) return "";
  if ((facts.st_mode & S_IWOTH) != 0) return writable_complaint(path, facts.st_mode);
  const bool is_trusted = facts.st_uid == 0 || facts.st_uid == owners.user || facts.st_uid == owners.program_owner;
  return is_trusted ? "" : owner_complaint(path, facts.st_uid);
}

// Who may rename a folder above decides what lies below; in a sticky one that is its owner alone.
std::string distrust_above(const fs::path& folder) {
  for (fs::path above = folder.parent_path(), below = folder; above != below; below = above, above = above.parent_path()) {
    struct stat facts {};
    if (look_at(above, facts) && (facts.st_mode & S_IWOTH) != 0 && (facts.st_mode & S_ISVTX) == 0) return writable_complaint(above, facts.st_mode);
  }
  return "";
}

}  // namespace

TrustedOwners trusted_owners() {
  TrustedOwners owners{::geteuid(), 0};
  struct stat program {};
  if (::stat("/proc/self/exe", &program) == 0) owners.program_owner = program.st_uid;
  return owners;
}

std::string distrust_folder(const fs::path& folder, const TrustedOwners& owners) {
  const std::string complaint = distrust(folder, owners);
  return complaint.empty() ? distrust_above(folder) : complaint;
}

std::string distrust_file(const fs::path& file, const TrustedOwners& owners) {
  const std::string complaint = distrust(file, owners);
  return complaint.empty() ? distrust_folder(file.parent_path(), owners) : complaint;
}

}  // namespace trainhost
