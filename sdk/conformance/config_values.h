// Configs out of a schema: the one that questions use, random ones inside of it, ones that lie outside.
#pragma once

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "conformance/conformance.h"

namespace trainhost::conformance {

// The user's settings over the schema's defaults; what is required and not given is made up. Throws Failed with the host's words where the settings do not fit.
nlohmann::json usual_config(const Subject& subject);

// As text for people, without the values of secret keys.
std::string shown(const nlohmann::json& schema, nlohmann::json settings);

// A value that the schema of one key allows: the plainest one.
nlohmann::json plain_value(const nlohmann::json& rules);
// Any value that it allows, more often than not; the host decides.
nlohmann::json random_value(const nlohmann::json& rules, std::mt19937_64& random);

// Settings of which the host takes every one: a random choice of keys with random values over what the user gave.
nlohmann::json random_settings(const Subject& subject, std::mt19937_64& random);

// Settings that the schema does not allow, each with what is wrong about it.
std::vector<std::pair<std::string, nlohmann::json>> settings_outside(const Subject& subject);

}  // namespace trainhost::conformance
