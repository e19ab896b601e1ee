// What the crash tests share: folders in memory, the writer in them, and what it says.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "traced.h"

namespace crash {

/// A folder that goes with this object; in memory where there is a file system for that, since a kill loses nothing of the page cache anyway.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

using Verbs = std::vector<std::string>;

/// The command that runs tests/crash/writer.cpp on a folder.
std::vector<std::string> writer(const std::filesystem::path& folder, const Verbs& verbs);

struct Said {
  std::string verb;  // "restored", "saved", "refused"...
  uint64_t step = 0;
  uint64_t attempt = 0;  // of "restored"
  std::string rest;      // after the verb
};
std::vector<Said> parse(const std::string& output);

/// The newest step that the writer has restored or announced as saved; 0 when none.
uint64_t newest_step(const std::string& output);

/// What lies in the folder and belongs to no whole checkpoint, one a line: temporary files, folders without a commit record.
std::string litter(const std::filesystem::path& folder);

/// Where a program is killed: at its call number `at`, counted from 1. After a call that only reads all is as it was before, so only changes count there.
struct KillPoint {
  uint64_t at = 0;
  bool is_after = false;
};

/// Adds the kill to what the watch does already.
class KillAt {
 public:
  KillAt(KillPoint point, Watch& watch);
  KillAt(const KillAt&) = delete;
  uint64_t num_calls() const { return num_calls_; }
  bool has_happened() const { return has_happened_; }

 private:
  int fire();
  KillPoint point_;
  uint64_t num_calls_ = 0;
  pid_t thread_ = 0;  // that is in the call
  bool has_happened_ = false;
};

}  // namespace crash
