// The lists that make up questions(): one file a topic.
#pragma once

#include <span>

#include "conformance/conformance.h"

namespace trainhost::conformance {

std::span<const Question> elf_questions();
std::span<const Question> settings_questions();
std::span<const Question> any_kind_questions();
std::span<const Question> state_questions();
std::span<const Question> precision_policy_questions();
std::span<const Question> accumulation_schedule_questions();
std::span<const Question> data_source_questions();
std::span<const Question> checkpoint_backend_questions();
std::span<const Question> checkpoint_race_questions();
std::span<const Question> stopping_rule_questions();
std::span<const Question> lr_schedule_questions();
std::span<const Question> observer_questions();

}  // namespace trainhost::conformance
