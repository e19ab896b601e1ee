// Splits the rows of several files.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "files/selection.h"
#include "files/split.h"

namespace trainhost {

/// The rows that `split` takes, by the hash of the name of their file and their number in it. `starts`: the first row of each file, and the number of rows at the end.
/// Throws PluginError FAILED_PRECONDITION, which begins with `source`, when none is taken.
Selection select_rows(const Split& split, std::span<const std::string> names, std::span<const uint64_t> starts, std::string_view source);

}  // namespace trainhost
