// Nodes of a graph, and of the graphs inside of it, as steps of one plan.
#pragma once

#include <string>
#include <vector>

#include "arguments.h"
#include "plan.h"

namespace pt2 {

class GraphReader {
 public:
  GraphReader(Plan& plan, const Target& target) : plan_(plan), target_(target), arguments_(plan, target) {}

  // Inputs get the first slots. The outputs are put into the plan.
  void read(const Json& graph);

 private:
  void read_nodes(const Json& graph, Names& names);
  void read_node(const Json& node, Names& names);
  void read_operator(const Json& node, Names& names, c10::OperatorHandle op);
  void read_scalar(const Json& node, Names& names, const FoundScalarOp& op);
  void read_region(const Json& node, Names& names, StepKind kind);
  Region region_of(const Json& inputs, StepKind kind) const;
  void inline_graph(const Json& inputs, size_t graph_index, const Json& outputs, Names& names, const Region& region, StepKind kind);
  void add_results(const Json& outputs, Names& names, Step& step);
  Slot new_slot(const std::string& name, Names& names);
  void add(Step step);

  Plan& plan_;
  Target target_;
  Arguments arguments_;
  int depth_ = 0;
};

// Marks last uses, so that a value goes when nothing needs it any more, and drops scalar steps that nothing uses.
void plan_lifetimes(Plan& plan);

}  // namespace pt2
