// The words of `trainhost data`.
#include "commands/data_command.h"

#include <functional>
#include <utility>

#include "base/nearest.h"

namespace trainhost {
namespace {

struct DataVerb {
  std::string name;
  ExitCode (*run)(const Request&);
};

const std::vector<DataVerb>& verb_table() {
  static const std::vector<DataVerb> verbs{{"show", data_show}, {"bench", data_bench}, {"cache", data_cache}};
  return verbs;
}

}  // namespace

const std::vector<std::string>& data_verbs() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const DataVerb& verb : verb_table()) all.push_back(verb.name);
    return all;
  }();
  return names;
}

ExitCode data_command(const Request& request) {
  const std::string verb = request.words.empty() ? "" : request.words.front();
  for (const DataVerb& known : verb_table())
    if (known.name == verb) return known.run(request);
  std::string list;
  for (const std::string& name : data_verbs()) list += (list.empty() ? "" : ", ") + name;
  throw Error(ExitCode::kConfig, format("command line: data takes {}, got \"{}\"{}", list, verb, did_you_mean(verb, data_verbs())));
}

}  // namespace trainhost
