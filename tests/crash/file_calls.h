// Which system calls touch files, and what their arguments name.
#pragma once
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>

#include "traced.h"

namespace crash {

/// The call that a thread has stopped at; none when it is not about files.
std::optional<FileCall> read_file_call(pid_t thread, uint64_t number, const std::array<uint64_t, 6>& arguments);

}  // namespace crash
