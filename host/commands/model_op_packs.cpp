// Asks the op packs, and matches what they replace with the names of a graph's operators.
#include "commands/model_op_packs.h"

#include <algorithm>
#include <memory>
#include <set>

#include "base/log.h"
#include "config/schema.h"
#include "plugin/instance.h"
#include "plugin/kind.h"

namespace trainhost {
namespace {

using Answer = nlohmann::ordered_json;

struct Pack {
  std::unique_ptr<Instance> instance;
  const void* object;
};

std::set<std::string> names_of_packs(PluginCatalog& catalog, const std::vector<std::string>& names) {
  std::set<std::string> packs;
  for (const PluginRecord& record : catalog.records())
    if (record.kind == "op_pack") packs.insert(record.full_name());
  for (const std::string& name : names)
    if (const PluginRecord record = catalog.find(name); record.kind == "op_pack") packs.insert(record.full_name());
  return packs;
}

// With the defaults of its keys.
Pack make_pack(const PluginRecord& record) {
  Problems problems;
  const ConfigTree checked = check_table(*record.schema, ConfigTree(), "", problems);
  problems.raise();
  Pack pack{Instance::create(record, checked.values().dump()), nullptr};
  pack.instance->start(RunFacts{});
  pack.object = pack.instance->interface(std::string(find_kind("op_pack")->interface_id).c_str());
  return pack;
}

std::vector<ReplacedKernel> kernels_of(PluginCatalog& catalog, const std::string& name, Engine& engine) {
  try {
    const Pack pack = make_pack(catalog.find(name));
    OpPackSetup setup;
    setup.packs.push_back({name, pack.object});
    return engine.replaced_kernels(setup);
  } catch (const Error& error) {
    log_warning("{}: cannot be asked what it replaces: {}", name, error.what());
    return {};
  }
}

// "aten::add", "Tensor" as a graph calls it: "aten.add.Tensor".
std::string name_in_graph(const ReplacedKernel& kernel) {
  std::string name = kernel.op;
  if (const size_t colons = name.find("::"); colons != std::string::npos) name.replace(colons, 2, ".");
  return name + "." + (kernel.overload.empty() ? "default" : kernel.overload);
}

std::set<std::string> operators_in(const Answer& answer) {
  std::set<std::string> operators;
  for (const Answer& table : answer.at("tables"))
    if (!table.at("columns").empty() && table.at("columns")[0] == "operator")
      for (const Answer& row : table.at("rows")) operators.insert(row.at(0).get<std::string>());
  return operators;
}

}  // namespace

Answer replaced_operators(const Answer& answer, PluginCatalog& catalog, const std::vector<std::string>& names, Engine& engine) {
  const std::set<std::string> operators = operators_in(answer);
  Answer rows = Answer::array();
  for (const std::string& pack : names_of_packs(catalog, names))
    for (const ReplacedKernel& kernel : kernels_of(catalog, pack, engine))
      if (const std::string name = name_in_graph(kernel); operators.contains(name)) rows.push_back({name, pack, kernel.dispatch_key, kernel.is_bit_exact ? "yes" : "no"});
  if (rows.empty()) return nullptr;
  return {{"title", "operators that an op pack replaces in a run that names it"}, {"columns", {"operator", "op pack", "dispatch key", "bit-exact"}}, {"rows", rows}};
}

}  // namespace trainhost
