// Which words `trainhost config` takes, and what its schema covers.
#include "commands/config_command.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <sstream>

namespace trainhost {
BOOST_AUTO_TEST_SUITE(config_command_test)

namespace {

Request request_of(std::vector<std::string> words) {
  Request request;
  request.command = "config";
  request.words = std::move(words);
  return request;
}

std::string refusal(std::vector<std::string> words) {
  std::ostringstream out;
  try {
    config_command(request_of(std::move(words)), out);
  } catch (const Error& error) {
    BOOST_TEST((error.code() == ExitCode::kConfig));
    return error.what();
  }
  return "(no error)";
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_verb_that_is_missing_or_mistyped_is_refused) {
  BOOST_TEST(refusal({}).starts_with("command line: config takes show, check or schema, got \"\""));
  BOOST_TEST(refusal({"shwo"}) == "command line: config takes show, check or schema, got \"shwo\"; did you mean \"show\"?");
}

BOOST_AUTO_TEST_CASE(two_configs_are_refused) {
  BOOST_TEST(refusal({"check", "a.toml", "b.toml"}) == "command line: config check takes one CONFIG, got a.toml and b.toml");
}

BOOST_AUTO_TEST_CASE(a_config_that_is_not_there_is_named) { BOOST_TEST(refusal({"show", "/nowhere/a.toml"}).find("/nowhere/a.toml") != std::string::npos); }

BOOST_AUTO_TEST_CASE(the_schema_is_one_json_document_with_the_keys_of_the_host) {
  std::ostringstream out;
  BOOST_TEST((config_command(request_of({"schema"}), out) == ExitCode::kDone));
  const nlohmann::json schema = nlohmann::json::parse(out.str());
  BOOST_TEST(schema["properties"]["checkpoint"]["properties"].contains("keep_last"));
  BOOST_TEST(schema["additionalProperties"] == false);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
