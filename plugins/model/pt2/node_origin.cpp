// Where in the user's model a node comes from, out of its metadata.
#include <algorithm>

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

// nn_module_stack is "key,path,type" of each module, the outermost first, with semicolons between.
std::string module_of(const Json& metadata) {
  const std::string stack = text_of(metadata, "nn_module_stack");
  const std::string last = stack.substr(stack.rfind(';') + 1);
  const auto first_comma = last.find(','), second_comma = last.find(',', first_comma + 1);
  if (first_comma == std::string::npos || second_comma == std::string::npos) return "";
  return last.substr(first_comma + 1, second_comma - first_comma - 1);
}

}  // namespace pt2
