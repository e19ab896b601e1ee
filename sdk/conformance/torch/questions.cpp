// The questions of model, optimizer and op_pack, behind one exported function.
#include "conformance/torch/questions.h"

#include "conformance/torch/torch_questions.h"

namespace trainhost::conformance {
namespace {

const std::vector<Question>& all() {
  static const std::vector<Question> list = [] {
    use_one_thread();
    std::vector<Question> questions;
    for (const auto part :
         {model_questions(), model_failure_questions(), optimizer_questions(), optimizer_failure_questions(), op_pack_questions(), op_pack_failure_questions()})
      questions.insert(questions.end(), part.begin(), part.end());
    return questions;
  }();
  return list;
}

}  // namespace
}  // namespace trainhost::conformance

extern "C" __attribute__((visibility("default"))) const std::vector<trainhost::conformance::Question>* trainhost_conformance_torch_questions() {
  return &trainhost::conformance::all();
}
