// What the tests of generations share. They are compiled twice: with the plugin room of this host, and with that of a host of a pretended next minor.
#pragma once
#include <filesystem>
#include <string>

#include "plugin/plugin_testing.h"

namespace trainhost {

inline constexpr bool kIsNext = TRAINHOST_IS_NEXT;
inline constexpr uint64_t kPretended = kIsNext ? 42 : 0;  // in the new field of every struct that the host gives

// A struct that grows, all zero but for its size and the field that the next minor has.
template <class Struct>
Struct given() {
  Struct out{};
  out.struct_size = sizeof out;
#if TRAINHOST_IS_NEXT
  out.pretended = kPretended;
#endif
  return out;
}

inline std::filesystem::path generation_file(const std::string& file) { return std::filesystem::path(TRAINHOST_BUILD_DIR) / "generations" / file; }

// The record of a plugin, as the host takes it: after it has compared what the plugin needs with what it is.
inline PluginRecord generation_record(const std::string& file, const std::string& name) {
  for (const PluginRecord& record : read_plugin_file(generation_file(file), host_abi()))
    if (record.name == name) return record;
  throw Error(ExitCode::kFailure, file + " holds no " + name);
}

}  // namespace trainhost
