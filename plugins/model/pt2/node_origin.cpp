// Where in the user's model a node comes from, out of its metadata.
#include <algorithm>
#include <cctype>
#include <sstream>
#include <string_view>
#include <vector>

#include "program.h"

namespace pt2 {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\n"), last = text.find_last_not_of(" \t\n");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

std::string text_of(const Json& metadata, const char* key) {
  return metadata.is_object() && metadata.contains(key) && metadata.at(key).is_string() ? metadata.at(key).get<std::string>() : "";
}

constexpr std::string_view kNoModule = "_empty_nn_module_stack";  // what stands there for sizes of the fields
constexpr std::string_view kContainers = "torch.nn.modules.container.";

struct Module {
  std::string key, path, type;
};

// nn_module_stack is "key,path,type" of each module, the outermost first, with semicolons between.
std::vector<Module> module_stack(const Json& metadata) {
  std::vector<Module> modules;
  std::istringstream in(text_of(metadata, "nn_module_stack"));
  for (std::string one; std::getline(in, one, ';');) {
    const auto first = one.find(','), second = one.find(',', first + 1);
    const bool is_module = first != std::string::npos && second != std::string::npos && !one.starts_with(kNoModule);
    if (is_module) modules.push_back({one.substr(0, first), one.substr(first + 1, second - first - 1), one.substr(second + 1)});
  }
  return modules;
}

bool is_numbered(const std::string& path) {
  const std::string last = path.substr(path.rfind('.') + 1);
  return !last.empty() && std::all_of(last.begin(), last.end(), [](unsigned char c) { return std::isdigit(c); });
}

}  // namespace

// stack_trace is Python's: pairs of lines '  File "model.py", line 12, in forward' and the code; the innermost comes last.
std::string source_of(const Json& metadata) {
  const std::string trace = text_of(metadata, "stack_trace");
  const auto start = trace.rfind("File \"");
  if (start == std::string::npos) return trimmed(trace);
  const auto name_end = trace.find('"', start + 6), line = trace.find("line ", start), line_end = trace.find_first_of(",\n", line == std::string::npos ? start : line);
  if (name_end == std::string::npos || line == std::string::npos) return trimmed(trace.substr(start));
  const auto code = trace.find('\n', start);
  const std::string place = trace.substr(start + 6, name_end - start - 6) + ":" + trimmed(trace.substr(line + 5, line_end - line - 5));
  return code == std::string::npos ? place : place + ": " + trimmed(trace.substr(code, trace.find('\n', code + 1) - code));
}

std::string module_of(const Json& metadata) {
  const std::vector<Module> stack = module_stack(metadata);
  return stack.empty() ? "" : stack.back().path;
}

BlockOfNode block_of(const Json& metadata) {
  const std::vector<Module> stack = module_stack(metadata);
  const auto block = std::find_if(stack.begin(), stack.end(), [](const Module& module) { return is_numbered(module.path) && !module.type.starts_with(kContainers); });
  if (block == stack.end()) return {};
  const auto again = block->key.find('@');  // stands behind the key of a module that is called once more
  return {block->path + (again == std::string::npos ? "" : block->key.substr(again)), block->type, block + 1 != stack.end()};
}

}  // namespace pt2
