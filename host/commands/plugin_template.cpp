// What all kinds share (sdk/template/shared) is written for lr_schedule/my_plugin in C++; the rest are edits of that text.
#include "commands/plugin_template.h"

#include <cctype>
#include <sstream>

#include "plugin/kind.h"

namespace trainhost {
namespace {

struct TemplateFile {
  std::string_view path, text;
};

#include "template_files.h"

constexpr std::string_view kExample = "my_plugin", kExampleClass = "MyPlugin", kExampleKind = "lr_schedule", kShared = "shared/";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
  return text;
}

std::string named(std::string text, std::string_view name) { return replaced(replaced(std::move(text), kExample, name), kExampleClass, camel_case(name)); }

// A plugin that links LibTorch says so, and has its header in another folder.
std::string with_torch(std::string text) {
  text = replaced(std::move(text), "include/trainhost/", "include/trainhost/torch/");
  return replaced(std::move(text), "SOURCES my_plugin.cpp", "SOURCES my_plugin.cpp TORCH");
}

std::string shared_text(std::string text, const PluginKind& kind, std::string_view language) {
  if (kind.needs_torch) text = with_torch(std::move(text));
  text = replaced(std::move(text), "my_plugin.cpp", "my_plugin." + std::string(language));
  return replaced(std::move(text), kExampleKind, kind.name);
}

bool is_word_in(std::string_view line, std::string_view word) {
  const auto is_letter = [&](size_t at) { return at < line.size() && (std::isalnum(static_cast<unsigned char>(line[at])) || line[at] == '_'); };
  for (size_t at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1))
    if (!is_letter(at - 1) && !is_letter(at + word.size())) return true;  // -1 wraps: the line begins there
  return false;
}

std::string source_name(std::string_view language) { return std::string(kExample) + "." + std::string(language); }

}  // namespace

std::string camel_case(std::string_view name) {
  std::string out;
  bool is_start = true;
  for (const char c : name) {
    if (c != '_') out += is_start ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    is_start = c == '_';
  }
  return out;
}

std::vector<std::string> template_languages(std::string_view kind) {
  std::vector<std::string> languages;
  for (const char* language : {"cpp", "c"})
    for (const TemplateFile& file : kTemplateFiles)
      if (file.path == std::string(kind) + "/" + source_name(language)) languages.emplace_back(language);
  return languages;
}

bool template_uses(std::string_view kind, std::string_view word) {
  if (word == kExampleClass) return false;  // it is what the name takes the place of
  for (const TemplateFile& file : kTemplateFiles) {
    if (file.path != std::string(kind) + "/" + source_name("cpp")) continue;
    std::istringstream lines{std::string(file.text)};
    for (std::string line; std::getline(lines, line);)
      if (is_word_in(line.substr(0, line.find("//")), word)) return true;
  }
  return false;
}

std::vector<NewFile> render_template(std::string_view kind, std::string_view name, std::string_view language) {
  const PluginKind& known = require_kind(kind);
  const std::string folder = std::string(kind) + "/", other_source = source_name(language == "c" ? "cpp" : "c");
  std::vector<NewFile> files;
  for (const TemplateFile& file : kTemplateFiles) {
    const bool is_shared = file.path.starts_with(kShared);
    if (!is_shared && !file.path.starts_with(folder)) continue;
    const std::string_view file_name = file.path.substr(file.path.find('/') + 1);
    if (file_name == other_source) continue;
    const std::string text(file.text);
    files.push_back({named(std::string(file_name), name), named(is_shared ? shared_text(text, known, language) : text, name)});
  }
  return files;
}

}  // namespace trainhost
