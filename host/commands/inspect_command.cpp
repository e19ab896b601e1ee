// Answers on stdout.
#include "commands/inspect_command.h"

#include <algorithm>
#include <iostream>

#include "base/nearest.h"
#include "commands/job.h"
#include "commands/plugins_command.h"
#include "config/writer.h"

namespace trainhost {
namespace {

// Takes the first word, which must be one of `verbs`.
std::string take_verb(Request& request, const std::vector<std::string>& verbs) {
  const std::string verb = request.words.empty() ? "" : request.words.front();
  if (std::find(verbs.begin(), verbs.end(), verb) == verbs.end())
    throw Error(ExitCode::kConfig, format("command line: `trainhost {}` wants a verb, got \"{}\"{}", request.command, verb, did_you_mean(verb, verbs)));
  request.words.erase(request.words.begin());
  return verb;
}

void print_schema(const Request& request) {
  const ConfigTree tree = load_tree(request);
  const PluginCatalog catalog = load_catalog(tree);
  std::vector<PluginSchema> schemas;
  for (const PluginRecord& record : catalog.records()) schemas.push_back({record.kind, record.name, record.schema.get(), false});
  std::cout << config_schema(schemas).dump(2) << "\n";
}

}  // namespace

ExitCode plugins_command(const Request& original) {
  Request request = original;
  const std::string verb = take_verb(request, {"list", "info"});
  const std::vector<std::string> wanted = std::exchange(request.words, {});
  PluginCatalog catalog = load_catalog(load_tree(request));
  if (verb == "list") {
    print_plugin_list(catalog, request.is_json, std::cout);
    return ExitCode::kDone;
  }
  if (wanted.size() != 1) throw Error(ExitCode::kConfig, format("command line: `trainhost plugins info` wants one NAME or FILE, got {}", wanted.size()));
  print_plugin_info(catalog, wanted.front(), request.is_json, std::cout);
  return ExitCode::kDone;
}

ExitCode config_command(const Request& original) {
  Request request = original;
  const std::string verb = take_verb(request, {"show", "check", "schema"});
  if (verb == "schema") {
    print_schema(request);
    return ExitCode::kDone;
  }
  const Job job = load_job(request);
  if (verb == "show")
    std::cout << (request.is_json ? job.config.host.values().dump(2) + "\n" : resolved_toml(job.config, request.wants_origins));
  else
    std::cout << format("{}: no problem found\n", request.words.empty() ? "<default job>" : request.words.front());
  return ExitCode::kDone;
}

}  // namespace trainhost
