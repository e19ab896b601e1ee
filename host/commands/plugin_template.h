// The folders that `plugins new` writes: the files of sdk/template, compiled in, with the author's names in place of the example's.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace trainhost {

struct NewFile {
  std::string name, text;
};

/// "my_plugin" -> "MyPlugin".
std::string camel_case(std::string_view name);

/// The languages that the kind has a template in, "cpp" first.
std::vector<std::string> template_languages(std::string_view kind);

/// Whether the code of the kind's template in C++ uses the word as a name.
bool template_uses(std::string_view kind, std::string_view word);

/// The files of a new plugin's folder. The kind has a template in the language.
std::vector<NewFile> render_template(std::string_view kind, std::string_view name, std::string_view language);

}  // namespace trainhost
