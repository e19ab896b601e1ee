// What `plugins explain` found, as text and as JSON.
#pragma once
#include <iosfwd>
#include <vector>

#include "commands/plugins_explain.h"
#include "conformance/conformance.h"

namespace trainhost {

struct ExplainedFile {
  Explanation explanation;
  std::vector<conformance::Verdict> instances;  // of each plugin, where instances were wanted: kOk with one interface a line, or why none was made
};

void print_as_text(const std::vector<ExplainedFile>& files, std::ostream& out);
void print_as_json(const std::vector<ExplainedFile>& files, std::ostream& out);

}  // namespace trainhost
