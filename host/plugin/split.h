// Cutting a text at a character.
#pragma once
#include <string_view>
#include <vector>

namespace trainhost {

/// The parts between the separators; one empty part for an empty text.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t end = 0; end != std::string_view::npos; text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1))
    parts.push_back(text.substr(0, end = text.find(separator)));
  return parts;
}

}  // namespace trainhost
