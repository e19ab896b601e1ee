// Questions for plugins of every kind.
#include "conformance/answer.h"
#include "conformance/questions.h"
#include "conformance/specimen.h"

namespace trainhost::conformance {
namespace {

void unknown_interface_is_null(const Subject& subject) {
  Specimen plugin(subject);
  plugin.create();
  for (const char* id : {"trainhost.nothing_of_this_name/1", "", "\xff\xfe", "trainhost.state/999"})
    require(plugin.interface(id) == nullptr, "get_interface(\"{}\") is not NULL; what an instance does not have is NULL", id);
}

constexpr Question kQuestions[] = {
    {"any/unknown_interface_is_null", "An interface that it does not have is NULL", "", Scope::kPlugin, answer<unknown_interface_is_null>},
};

}  // namespace

std::span<const Question> any_kind_questions() { return kQuestions; }

}  // namespace trainhost::conformance
