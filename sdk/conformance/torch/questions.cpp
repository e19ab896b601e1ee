// The questions of model, optimizer and op_pack, behind one exported function.
#include "conformance/torch/questions.h"

namespace trainhost::conformance {
namespace {

const std::vector<Question>& all() {
  static const std::vector<Question> list = {};
  return list;
}

}  // namespace
}  // namespace trainhost::conformance

extern "C" __attribute__((visibility("default"))) const std::vector<trainhost::conformance::Question>* trainhost_conformance_torch_questions() {
  return &trainhost::conformance::all();
}
