// Runs a program under ptrace and shows every system call of it that touches files below one folder, in all its threads, before and after it happens.
#pragma once
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace crash {

struct FileCall {
  std::string name;               // "openat"
  std::string path, second_path;  // absolute; of the descriptor where the call takes one. The second of link and rename
  std::array<uint64_t, 6> arguments{};
  int64_t result = 0;      // after the call; -errno when it failed
  bool is_change = false;  // of the disk, or of what is safe on it; reading is none
  pid_t thread = 0;
};

/// What a hook answers: go on, kill the program here, or (before a call only) an errno: the call does not happen and fails so.
inline constexpr int kGoOn = 0, kKill = -1;

struct Watch {
  std::filesystem::path folder;  // absolute, without links
  std::function<int(const FileCall&)> before = {}, after = {};
  std::function<void(std::string_view)> said = {};  // what is written to stdout, when it was written
  bool is_output_kept = true;                        // false: the program writes to this one's stdout and stderr
};

struct Ending {
  int exit_code = 0;  // 128 + the signal that ended it
  std::string output;
};

/// Runs the command to its end. One program at a time, on one thread. Throws std::system_error.
Ending run_traced(const std::vector<std::string>& command, const Watch& watch);

/// The same without looking.
Ending run_plain(const std::vector<std::string>& command);

/// Bytes of a stopped program.
std::string read_memory(pid_t thread, uint64_t address, size_t size);

}  // namespace crash
