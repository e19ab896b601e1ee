// One stat for an identity.
#include "plugin/file_identity.h"

#include <sys/stat.h>

namespace trainhost {
namespace {

int64_t nanoseconds(const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

}  // namespace

FileIdentity file_identity(const std::filesystem::path& file) {
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0) return {};
  return {facts.st_dev, facts.st_ino, static_cast<uint64_t>(facts.st_size), nanoseconds(facts.st_mtim), nanoseconds(facts.st_ctim)};
}

void require_unchanged(const std::filesystem::path& file, const FileIdentity& identity) {
  if (file_identity(file) == identity) return;
  throw Error(ExitCode::kPlugin, format("{}: changed after it was looked at; wait until its build or copy has ended, then start again", file.string()));
}

}  // namespace trainhost
