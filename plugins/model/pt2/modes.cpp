#include "modes.h"

#include "errors.h"

namespace pt2 {
namespace {

bool says_training(const Json& node) {
  const auto target = node.at("target").get<std::string>();
  const bool is_dropout = target.find("dropout") != std::string::npos, is_norm = target.find("_norm") != std::string::npos;
  if (!is_dropout && !is_norm) return false;
  for (const Json& input : node.at("inputs")) {
    const auto name = input.value("name", "");
    const bool is_switch = name == "train" || name == "training" || name == "use_input_stats";
    if (is_switch && input.at("arg").contains("as_bool") && input.at("arg").at("as_bool").get<bool>()) return true;
  }
  return false;
}

}  // namespace

size_t count_training_operators(const Json& graph) {
  size_t count = 0;
  for (const Json& node : graph.at("nodes")) {
    count += says_training(node);
    for (const Json& input : node.at("inputs"))
      if (input.at("arg").contains("as_graph")) count += count_training_operators(input.at("arg").at("as_graph").at("graph"));
  }
  return count;
}

void check_modes(const Json& train_document, const Json& eval_document, const std::string& file) {
  const auto graph = [](const Json& document) -> const Json& { return document.at("graph_module").at("graph"); };
  const size_t in_train = count_training_operators(graph(train_document)), in_eval = count_training_operators(graph(eval_document));
  if (in_train >= in_eval) return;
  throw refuse(trainhost::format("{}: the train program was exported in eval mode: {} of its operators train, {} of the eval program's; call model.train() before the export, "
                                 "or let `python -m trainhost_export` do it",
                                 file, in_train, in_eval));
}

}  // namespace pt2
