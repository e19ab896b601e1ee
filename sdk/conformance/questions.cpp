// All questions in the order in which they are asked: what needs no instance comes first.
#include "conformance/questions.h"

namespace trainhost::conformance {

const std::vector<Question>& questions() {
  static const std::vector<Question> all = [] {
    std::vector<Question> list;
    for (const auto part : {elf_questions(), any_kind_questions(), state_questions()}) list.insert(list.end(), part.begin(), part.end());
    return list;
  }();
  return all;
}

}  // namespace trainhost::conformance
