// One line a condition: ok or no, what it is about, the facts or the remedy.
#include "commands/explain_text.h"

#include <nlohmann/json.hpp>

#include <ostream>

#include "base/table.h"
#include "plugin/split.h"
#include "plugin/text.h"

namespace trainhost {
namespace {

using nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

void add_rows(Rows& rows, const std::vector<Explanation::Finding>& findings) {
  for (const auto& finding : findings) rows.push_back({finding.is_met ? "ok" : "no", finding.what, clean_text(finding.words)});
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n')) lines.emplace_back(line);
  return lines;
}

// The last row: what the metadata obliges to, or what an instance has.
std::vector<std::string> interfaces_row(const Explanation::Plugin& plugin, const conformance::Verdict* instance) {
  if (!instance) return {"", "interfaces", joined(plugin.interfaces) + "; --create makes an instance and asks for others"};
  if (instance->outcome == conformance::Outcome::kOk) return {"ok", "instance", "offers " + joined(lines_of(instance->reason))};
  if (instance->outcome == conformance::Outcome::kSkipped) return {"", "instance", "is not made: " + clean_text(instance->reason)};
  return {"no", "instance", clean_text(instance->reason)};
}

json findings_json(const std::vector<Explanation::Finding>& findings) {
  json list = json::array();
  for (const auto& finding : findings) list.push_back({{"what", finding.what}, {"is_met", finding.is_met}, {"words", clean_text(finding.words)}});
  return list;
}

json plugin_json(const Explanation::Plugin& plugin, const conformance::Verdict* instance) {
  json out{{"plugin", plugin.record.full_name()},        {"version", plugin.record.version}, {"tier", plugin.record.tier()},     {"needs", plugin.record.needs},
           {"findings", findings_json(plugin.findings)}, {"interfaces", plugin.interfaces},  {"would_load", plugin.would_load()}};
  if (!instance) return out;
  const bool is_made = instance->outcome == conformance::Outcome::kOk;
  if (is_made) out["interfaces"] = lines_of(instance->reason);
  out["instance"] = is_made ? json(nullptr) : json(clean_text(instance->reason));
  return out;
}

}  // namespace

void print_as_text(const std::vector<ExplainedFile>& files, std::ostream& out) {
  for (const ExplainedFile& file : files) {
    Rows rows;
    add_rows(rows, file.explanation.findings);
    out << (&file == &files.front() ? "" : "\n") << file.explanation.file.string() << "\n" << align_columns(rows, "lll");
    for (size_t i = 0; i < file.explanation.plugins.size(); ++i) {
      const Explanation::Plugin& plugin = file.explanation.plugins[i];
      Rows about{};
      add_rows(about, plugin.findings);
      about.push_back(interfaces_row(plugin, i < file.instances.size() ? &file.instances[i] : nullptr));
      out << clean_text(plugin.record.full_name() + " " + plugin.record.version + ", " + plugin.record.tier(), 200) << "\n" << align_columns(about, "lll");
    }
    out << (file.explanation.would_load() ? "would load\n" : "would not load\n");
  }
}

void print_as_json(const std::vector<ExplainedFile>& files, std::ostream& out) {
  json all = json::array();
  for (const ExplainedFile& file : files) {
    json plugins = json::array();
    for (size_t i = 0; i < file.explanation.plugins.size(); ++i)
      plugins.push_back(plugin_json(file.explanation.plugins[i], i < file.instances.size() ? &file.instances[i] : nullptr));
    all.push_back({{"file", file.explanation.file.string()},
                   {"findings", findings_json(file.explanation.findings)},
                   {"plugins", plugins},
                   {"would_load", file.explanation.would_load()}});
  }
  out << all.dump(2, ' ', false, json::error_handler_t::replace) << "\n";
}

}  // namespace trainhost
