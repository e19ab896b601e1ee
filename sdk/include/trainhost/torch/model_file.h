// Optional beside Model: a model that comes out of a file tells what is in it, and whether it computes here what it computed where it was made. A plugin
// says the suffix of such files in its metadata (`.schemes = {"thm"}`) and takes the path under its one required key: so `trainhost model` finds it.
#pragma once

#include <string>

namespace trainhost::t2 {

// Interface "trainhost.torch.model_file/1": a pointer to ModelFile. Both functions are called instead of build, once, after start, and throw PluginError
// when the file cannot be used. They answer with a JSON object that is shown as it is:
//   {"facts": {"parameters": 124439808, ...},
//    "tables": [{"title": "operators", "columns": ["operator", "calls"], "rows": [["aten.linear", 48], ...]}, ...],
//    "passed": true}                        check only
class ModelFile {
 public:
  static constexpr const char* kInterface = "trainhost.torch.model_file/1";
  virtual ~ModelFile() = default;

  // What is in the file.
  virtual std::string info() = 0;
  // Computes what the file's record says, on "cpu", "cuda" or "cuda:N", and compares.
  virtual std::string check(const std::string& device) = 0;
};

}  // namespace trainhost::t2
