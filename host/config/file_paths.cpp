// Which keys hold paths.
#include "config/file_paths.h"

#include <algorithm>
#include <array>

#include "base/files.h"

namespace trainhost {
namespace {

enum class Holds { kPaths, kNamesOrPaths, kPathsOrUris };

struct PathKey {
  KeyPath key;
  Holds holds;
};

const std::array<PathKey, 6>& path_keys() {
  static const std::array<PathKey, 6> keys = {{{{"plugin_path"}, Holds::kPaths},
                                               {{"plugins_lock"}, Holds::kPaths},
                                               {{"model", "init_from"}, Holds::kPathsOrUris},
                                               {{"plugins"}, Holds::kNamesOrPaths},
                                               {{"data", "decorators"}, Holds::kNamesOrPaths},
                                               {{"checkpoint", "decorators"}, Holds::kNamesOrPaths}}};
  return keys;
}

void make_absolute(nlohmann::json& value, Holds holds, const std::filesystem::path& folder) {
  if (value.is_array())
    for (nlohmann::json& element : value) make_absolute(element, holds, folder);
  if (!value.is_string()) return;
  const std::string text = value.get<std::string>();
  const bool is_path = holds == Holds::kPaths || (holds == Holds::kPathsOrUris ? !has_uri_scheme(text) : is_path_word(text));
  if (is_path && !text.empty() && !text.starts_with('/')) value = std::filesystem::absolute(folder / text).lexically_normal().string();
}

}  // namespace

nlohmann::json with_absolute_paths(const KeyPath& key, nlohmann::json value, const std::filesystem::path& folder) {
  const auto& keys = path_keys();
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const PathKey& candidate) { return candidate.key == key; });
  if (found != keys.end()) make_absolute(value, found->holds, folder);
  return value;
}

}  // namespace trainhost
