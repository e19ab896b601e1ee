#include "files/row_split.h"

#include <trainhost/cpp/error.hpp>

namespace trainhost {

Selection select_rows(const Split& split, std::span<const std::string> names, std::span<const uint64_t> starts, std::string_view source) {
  size_t file = 0;
  const auto takes = [&](uint64_t row) {
    while (row >= starts[file + 1]) ++file;
    return split.takes(stable_hash(names[file], row - starts[file]));
  };
  Selection selection = split.takes_all() ? Selection(starts.back()) : Selection(starts.back(), takes);
  if (selection.size() > 0) return selection;
  throw PluginError(TRAINHOST_FAILED_PRECONDITION,
                    format("{}: no samples: {} in {} files, {}; give more data, or another share", source, starts.back(), names.size(), split.text()));
}

}  // namespace trainhost
