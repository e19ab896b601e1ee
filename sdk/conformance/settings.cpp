// Questions about the settings of a plugin: what its schema lets through, and what it does with all of that.
#include <random>

#include "conformance/answer.h"
#include "conformance/config_values.h"
#include "conformance/questions.h"
#include "conformance/specimen.h"

namespace trainhost::conformance {
namespace {

constexpr int kRandomConfigs = 200;

void host_refuses_what_is_outside(const Subject& subject) {
  for (const auto& [what, settings] : settings_outside(subject)) {
    bool is_refused = false;
    try {
      (void)subject.host.apply_schema(subject.record().schema, settings);
    } catch (const std::exception&) {
      is_refused = true;
    }
    require(is_refused, "the schema takes {}: {}; say \"additionalProperties\": false, types and limits", what, shown(subject.record().schema, settings));
  }
}

void takes_or_refuses_what_is_inside(const Subject& subject) {
  std::mt19937_64 random(subject.seed);
  Specimen plugin(subject);
  for (int i = 0; i < kRandomConfigs; ++i) {
    const nlohmann::json config = subject.host.apply_schema(subject.record().schema, random_settings(subject, random));
    const Said said = plugin.try_create(config);
    require(said.is_ok() || said.status == TRAINHOST_INVALID_ARGUMENT || said.status == TRAINHOST_FAILED_PRECONDITION,
            "create({}): {}; settings that cannot be used are INVALID_ARGUMENT", shown(subject.record().schema, config), text_of(said));
    if (said.is_ok()) plugin.destroy();
  }
}

constexpr Question kSettingsQuestions[] = {
    {"settings/host_refuses_what_is_outside", "Its schema refuses what it cannot use, before anything of it is made", "", Scope::kPlugin,
     answer<host_refuses_what_is_outside>},
    {"settings/takes_or_refuses_what_is_inside", "Any settings that its schema allows make an instance or a refusal with words", "", Scope::kPlugin,
     answer<takes_or_refuses_what_is_inside>},
};

}  // namespace

std::span<const Question> settings_questions() { return kSettingsQuestions; }

}  // namespace trainhost::conformance
