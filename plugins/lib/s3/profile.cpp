// A reader of these INI files: sections, "name = value", comments; indented lines belong to nested settings, which are passed over.
#include "s3/profile.h"

#include <cstdlib>
#include <fstream>

#include <trainhost/cpp/error.hpp>

#include "s3/text.h"

namespace trainhost::s3 {


namespace {

struct Section {
  bool is_there = false;
  Profile values = {};
};

/// "[profile x]" of the config file, "[x]" of the credentials file and of the default profile.
bool is_header_of(std::string_view line, const std::string& name) {
  if (!line.starts_with('[')) return false;
  std::string_view title = trim(line.substr(1, std::min(line.find(']'), line.size()) - 1));
  if (title.starts_with("profile ")) title = trim(title.substr(8));
  return title == name;
}

Section read_section(const std::string& path, const std::string& name) {
  Section section;
  std::ifstream file(path);
  bool is_inside = false;
  for (std::string line; std::getline(file, line);) {
    const std::string_view text = trim(line);
    if (text.empty() || text[0] == '#' || text[0] == ';') continue;
    if (text[0] == '[') {
      is_inside = is_header_of(text, name);
      section.is_there |= is_inside;
      continue;
    }
    const size_t equals = text.find('=');
    if (!is_inside || equals == std::string_view::npos || line[0] == ' ' || line[0] == '\t') continue;
    section.values[lower_case(trim(text.substr(0, equals)))] = trim(text.substr(equals + 1));
  }
  return section;
}

std::string file_path(const Environment& environment, const char* variable, const char* name) {
  const std::string own = environment(variable);
  return own.empty() ? environment("HOME") + "/.aws/" + name : own;
}

}  // namespace

std::string environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

Profile read_profile(const Environment& environment) {
  const std::string asked = environment("AWS_PROFILE"), name = asked.empty() ? "default" : asked;
  const std::string credentials_path = file_path(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
                    config_path = file_path(environment, "AWS_CONFIG_FILE", "config");
  Section credentials = read_section(credentials_path, name), config = read_section(config_path, name);
  if (!asked.empty() && !credentials.is_there && !config.is_there)
    throw PluginError(TRAINHOST_INVALID_ARGUMENT,
                      format("AWS_PROFILE={}: neither {} nor {} has this profile; name one that is there", asked, credentials_path, config_path));
  credentials.values.merge(config.values);
  return std::move(credentials.values);
}

}  // namespace trainhost::s3
