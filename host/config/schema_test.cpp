// Types, ranges, unknown keys, defaults, alternatives.
#include "config/schema.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "config/config_testing.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(schema_test)

namespace {

namespace data = boost::unit_test::data;
using nlohmann::json;

const json kSchema = json::parse(R"({
  "type": "object", "additionalProperties": false, "required": ["files"],
  "properties": {
    "micro_batches": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1},
    "target_samples": {"type": "integer", "minimum": 1},
    "target_tokens": {"type": "integer", "minimum": 1},
    "rate": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "default": 0.5},
    "dtype": {"type": "string", "enum": ["auto", "bf16", "fp16"], "default": "auto"},
    "files": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "maxItems": 2, "description": "Files to read."},
    "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "description": "Lower-case letters."},
    "warmup": {"type": "string", "format": "interval"},
    "is_fast": {"type": "boolean"},
    "where": {"type": ["string", "array"], "items": {"type": "string"}},
    "freeze": {"type": "array", "default": [], "x-refusal": "must be empty in this version"},
    "inner": {"type": "object", "additionalProperties": false, "properties": {"depth": {"type": "integer", "default": 3}, "width": {"type": "integer"}}},
    "free": {"type": "object", "additionalProperties": {"type": "integer"}}
  },
  "x-alternatives": [["micro_batches", "target_samples", "target_tokens"]]
})");

// The text is the table; "files" is set unless the text does it.
ConfigTree table_of(const std::string& text) {
  ConfigTree tree;
  tree.add_text(text.find("files") == std::string::npos ? text + "\nfiles = [\"a\"]\n" : text, "a.toml");
  return tree;
}

json check(const ConfigTree& table) {
  Problems problems;
  const ConfigTree result = check_table(kSchema, table, "accum", problems);
  problems.raise();
  return result.values();
}

struct BadCase {
  const char *text, *message;
  friend std::ostream& operator<<(std::ostream& out, const BadCase& c) { return out << c.text; }
};
const BadCase kBad[] = {
    {"micro_batches = 0", "a.toml:1:1: accum.micro_batches must be at least 1, got 0"},
    {"micro_batches = 1001", "a.toml:1:1: accum.micro_batches must be at most 1000, got 1001"},
    {"micro_batches = 1.5", "a.toml:1:1: accum.micro_batches must be an integer, got 1.5"},
    {"micro_batches = \"4\"", "a.toml:1:1: accum.micro_batches must be an integer, got \"4\""},
    {"micro_batches = true", "a.toml:1:1: accum.micro_batches must be an integer, got true"},
    {"micro_batch = 4", "a.toml:1:1: unknown key accum.micro_batch; did you mean \"micro_batches\"?"},
    {"rate = 0", "a.toml:1:1: accum.rate must be more than 0, got 0.0"},
    {"rate = 1.0", "a.toml:1:1: accum.rate must be less than 1, got 1.0"},
    {"dtype = \"bf61\"", "a.toml:1:1: accum.dtype must be one of auto, bf16, fp16, got \"bf61\"; did you mean \"bf16\"?"},
    {"dtype = 16", "a.toml:1:1: accum.dtype must be a string, got 16; put it in quotes"},
    {"files = \"a\"", "a.toml:1:1: accum.files must be a list, got \"a\"; put it in [ ]"},
    {"files = \"[a, b]\"", "a.toml:1:1: accum.files must be a list, got \"[a, b]\"; put the strings inside of it in quotes"},
    {"files = []", "a.toml:1:1: accum.files must have at least 1 entries, got 0"},
    {"files = [\"a\", \"b\", \"c\"]", "a.toml:1:1: accum.files must have at most 2 entries, got 3"},
    {"files = [\"a\", 2]", "a.toml:1:1: accum.files entry 2 must be a string, got 2; put it in quotes"},
    {"files = [\"\"]", "a.toml:1:1: accum.files entry 1 must not be empty"},
    {"name = \"AB\"", "a.toml:1:1: accum.name must match ^[a-z]+$, got \"AB\"; Lower-case letters."},
    {"name = \"a\"", "a.toml:1:1: accum.name is too short: \"a\""},
    {"warmup = \"5 parsecs\"",
     "a.toml:1:1: accum.warmup is not valid: unknown unit \"parsecs\" in \"5 parsecs\", wanted window, step, epoch, sample, token, s, min, h, kwh, % or a "
     "currency"},
    {"where = 3", "a.toml:1:1: accum.where must be a string or list, got 3; put it in quotes"},
    {"freeze = [\"x\"]", "a.toml:1:1: accum.freeze must be empty in this version"},
    {"inner = 3", "a.toml:1:1: accum.inner must be a table, got 3; write its keys below [accum.inner]"},
    {"files = [\"a\"]\n[inner]\ndept = 1", "a.toml:3:1: unknown key accum.inner.dept; did you mean \"depth\"?"},
    {"files = [\"a\"]\n[free]\na = 1\nb = \"x\"", "a.toml:4:1: accum.free.b must be an integer, got \"x\""},
    {"micro_batches = 2\ntarget_samples = 8", "a.toml:2:1: accum.target_samples and accum.micro_batches (a.toml:1:1) exclude each other; leave one out"},
};

}  // namespace

BOOST_DATA_TEST_CASE(what_does_not_fit_is_refused_with_place_name_and_value, data::make(kBad), sample) {
  const ConfigTree table = table_of(sample.text);
  BOOST_TEST(message_of([&] { check(table); }) == sample.message);
}

BOOST_AUTO_TEST_CASE(a_missing_key_is_refused_with_its_meaning) {
  ConfigTree table;
  table.add_text("rate = 0.25", "a.toml");
  BOOST_TEST(message_of([&] { check(table); }) == "default: accum.files is missing; wanted: Files to read.");
}

BOOST_AUTO_TEST_CASE(all_problems_are_shown_at_once) {
  const std::string message = message_of([] { check(table_of("micro_batches = 0\nrate = 7\nmicro = 1")); });
  BOOST_TEST(std::count(message.begin(), message.end(), '\n') == 2);
}

BOOST_AUTO_TEST_CASE(at_most_twenty_problems_are_shown) {
  Problems problems;
  for (int i = 0; i < 25; ++i) problems.add(std::to_string(i));
  problems.add("3");
  const std::string message = message_of([&] { problems.raise(); });
  BOOST_TEST(message.ends_with("\n19\n... and 5 more"));
}

BOOST_AUTO_TEST_CASE(defaults_are_filled_in_with_their_origin) {
  Problems problems;
  const ConfigTree result = check_table(kSchema, table_of(""), "accum", problems);
  BOOST_TEST(problems.empty());
  BOOST_TEST(result.values() == json::parse(R"({"micro_batches":1,"rate":0.5,"dtype":"auto","files":["a"],"freeze":[],"inner":{"depth":3}})"));
  BOOST_TEST(result.origin({"rate"}).text == "default");
  BOOST_TEST(result.origin({"files"}).text == "a.toml:2:1");
}

BOOST_AUTO_TEST_CASE(equal_numbers_have_equal_json) {
  BOOST_TEST(check(table_of("micro_batches = 4.0"))["micro_batches"].dump() == "4");
  BOOST_TEST(check(table_of("micro_batches = 1e2"))["micro_batches"].dump() == "100");
  json whole = json::parse(R"({"type":"object","properties":{"x":{"type":"number"}}})");
  ConfigTree table;
  table.add_text("x = 2", "a.toml");
  Problems problems;
  BOOST_TEST(check_table(whole, table, "t", problems).values()["x"].dump() == "2.0");
}

BOOST_AUTO_TEST_CASE(an_alternative_replaces_the_default_of_the_others) {
  const json values = check(table_of("target_tokens = 500"));
  BOOST_TEST(values["target_tokens"] == 500);
  BOOST_TEST(!values.contains("micro_batches"));
}

BOOST_AUTO_TEST_CASE(an_alternative_at_a_higher_level_replaces_the_others) {
  ConfigTree table = table_of("micro_batches = 4");
  table.apply_override("target_samples=64");
  json values = check(table);
  BOOST_TEST(values["target_samples"] == 64);
  BOOST_TEST(!values.contains("micro_batches"));

  table.set_flag({"target_tokens"}, 9, "--x");
  values = check(table);
  BOOST_TEST(values["target_tokens"] == 9);
  BOOST_TEST(!values.contains("target_samples"));

  ConfigTree two = table_of("micro_batches = 4");
  two.apply_override("target_samples=64");
  two.apply_override("target_tokens=64");
  BOOST_TEST(message_of([&] { check(two); }) ==
             "override target_tokens=64: accum.target_tokens and accum.target_samples (override target_samples=64) exclude each other; leave one out");
}

BOOST_AUTO_TEST_CASE(a_table_without_properties_takes_anything) {
  ConfigTree table;
  table.add_text("a = 1\n[b]\nc = [\"x\"]", "a.toml");
  Problems problems;
  BOOST_TEST(check_table(json{{"type", "object"}}, table, "t", problems).values() == table.values());
  BOOST_TEST(problems.empty());
}

BOOST_AUTO_TEST_CASE(a_table_with_no_keys_says_so) {
  ConfigTree table;
  table.add_text("a = 1", "a.toml");
  Problems problems;
  (void)check_table(json{{"type", "object"}, {"properties", json::object()}}, table, "fp32", problems);
  BOOST_TEST(message_of([&] { problems.raise(); }) == "a.toml:1:1: unknown key fp32.a; this table takes no keys");
}

BOOST_AUTO_TEST_CASE(untracked_keys_and_empty_tables_are_no_part_of_the_trajectory) {
  const json schema =
      json::parse(R"({"properties":{"a":{"type":"integer"},"b":{"x-trajectory":false},"t":{"type":"object","properties":{"c":{"x-trajectory":false}}}}})");
  BOOST_TEST(trajectory_part(schema, json::parse(R"({"a":1,"b":2,"t":{"c":3}})")) == json::parse(R"({"a":1})"));
}

const json kSecretSchema = json::parse(R"({"properties":{"user":{"type":"string"},"token":{"type":"string","minLength":3,"x-secret":true},
  "pin":{"type":"integer","x-secret":true,"default":7}}})");

BOOST_AUTO_TEST_CASE(a_secret_is_marked_and_its_value_stands_in_no_origin) {
  ConfigTree table;
  table.add_text("user = \"me\"", "a.toml");
  table.apply_override("token=hunter2");
  Problems problems;
  const ConfigTree result = check_table(kSecretSchema, table, "mail", problems);
  problems.raise();
  BOOST_TEST(*result.find({"token"}) == "hunter2");
  BOOST_TEST(result.origin({"token"}).is_secret);
  BOOST_TEST(result.origin({"token"}).text == "override token=(secret)");
  BOOST_TEST(result.origin({"token"}).typed == "");
  BOOST_TEST(!result.origin({"user"}).is_secret);
  BOOST_TEST(!result.origin({"pin"}).is_secret);  // a default is known to everybody
}

BOOST_AUTO_TEST_CASE(a_secret_text_may_look_like_anything) {
  for (const char* text : {"12345", "true", "1e5", "[1]", "{a=1}", "plain"}) {
    ConfigTree table;
    table.add_environment(std::vector<std::string>{std::string("TRAINHOST__TOKEN=") + text});
    Problems problems;
    const ConfigTree result = check_table(kSecretSchema, table, "mail", problems);
    problems.raise();
    BOOST_TEST(*result.find({"token"}) == text);
  }
}

BOOST_AUTO_TEST_CASE(a_secret_that_does_not_fit_is_refused_without_being_shown) {
  const auto refusal = [](const char* override) {
    ConfigTree table;
    table.apply_override(override);
    Problems problems;
    (void)check_table(kSecretSchema, table, "mail", problems);
    return message_of([&] { problems.raise(); });
  };
  BOOST_TEST(refusal("token=xy") == "override token=(secret): mail.token must be of the type string and as its plugin asks; it is secret, so what was got is not shown");
  BOOST_TEST(refusal("pin=hunter2") == "override pin=(secret): mail.pin must be of the type integer and as its plugin asks; it is secret, so what was got is not shown");
}

BOOST_AUTO_TEST_CASE(secrets_are_no_part_of_the_trajectory) {
  BOOST_TEST(trajectory_part(kSecretSchema, json::parse(R"({"user":"me","token":"hunter2"})")) == json::parse(R"({"user":"me"})"));
}

const BadCase kBadSchemas[] = {
    {R"({"type":"object","properties":{"a":{"type":"int"}}})", "p.a: \"type\" must be one of object, array, string, integer, number, boolean, got \"int\""},
    {R"({"type":"object","minimun":3})", "p: the keyword \"minimun\" is not supported; did you mean \"minimum\"?"},
    {R"({"properties":{"a":{"type":"integer","minimum":1,"default":0}}})", "p.a: its own default must be at least 1, got 0"},
    {R"({"properties":{"a":{"pattern":"("}}})", "p.a: \"pattern\" is no regular expression"},
    {R"({"properties":{"a":{}},"required":["b"]})", "p: \"required\" names \"b\", which is no property"},
    {R"({"properties":{"a":{}},"x-alternatives":[["a","c"]]})", "p: \"x-alternatives\" names \"c\", which is no property"},
    {R"({"properties":{"a":{"x-secret":"yes"}}})", "p.a: \"x-secret\" must be true or false, got \"yes\""},
    {R"({"properties":{"a":3}})", "p.a: a schema must be an object, got 3"},
    {R"({"properties":{"a":{"type":"array","items":{"tipe":"string"}}}})", "p.a.items: the keyword \"tipe\" is not supported"},
    {R"({"properties":{"a":{"type":"integer","minimum":"x","default":3}}})", "p: a keyword has a value of the wrong type"},
};

BOOST_DATA_TEST_CASE(a_schema_that_is_not_understood_is_the_plugins_mistake, data::make(kBadSchemas), sample) {
  const std::string message = message_of([&] { check_schema(json::parse(sample.text), "p"); });
  BOOST_TEST(message.starts_with(sample.message), message);
}

BOOST_AUTO_TEST_CASE(a_sound_schema_is_taken) {
  BOOST_TEST(message_of([] { check_schema(kSchema, "p"); }) == "(no error)");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
