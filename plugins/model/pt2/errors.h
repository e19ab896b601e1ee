// Errors of this plugin: what the user's bundle, data or config got wrong, and what this machine lacks.
#pragma once

#include <string>
#include <string_view>

#include <trainhost/cpp/error.hpp>

namespace pt2 {

// The bundle, or what it is used for, does not fit: place, what, got, wanted, next step.
inline trainhost::PluginError refuse(const std::string& words) { return {TRAINHOST_INVALID_ARGUMENT, "pt2: " + words}; }

// The program asks for something that this process does not have, such as an operator.
inline trainhost::PluginError lacks(const std::string& words) { return {TRAINHOST_UNIMPLEMENTED, "pt2: " + words}; }

// The file is damaged.
inline trainhost::PluginError damaged(std::string_view file, const std::string& words) {
  return {TRAINHOST_INVALID_ARGUMENT, trainhost::format("pt2: {}: {}; the file is damaged: export or copy it again", file, words)};
}

}  // namespace pt2
