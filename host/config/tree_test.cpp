// Precedence, includes, environment, overrides and places of ConfigTree.
#include "config/tree.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>

#include "config/config_testing.h"
#include "config/toml.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(tree_test)

namespace {

namespace data = boost::unit_test::data;

ConfigTree tree_of(std::string_view text) {
  ConfigTree tree;
  tree.add_text(text, "a.toml");
  return tree;
}

const ConfigTree kSample = tree_of("seed = 1\n[accum]\nmicro_batches = 4\n[evaluation.heldout]\ntextfiles.split = \"heldout\"\n");

}  // namespace

BOOST_AUTO_TEST_CASE(every_value_knows_line_and_column_of_its_key) {
  BOOST_TEST(kSample.origin({"seed"}).text == "a.toml:1:1");
  BOOST_TEST(kSample.origin({"accum", "micro_batches"}).text == "a.toml:3:1");
  BOOST_TEST(kSample.origin({"evaluation", "heldout", "textfiles", "split"}).text == "a.toml:5:11");
}

BOOST_AUTO_TEST_CASE(text_that_is_not_toml_is_refused_with_its_place) {
  BOOST_TEST(message_of([] { tree_of("a = 1\nb = \n"); }).starts_with("a.toml:2:"));
  BOOST_TEST(message_of([] { tree_of("a = 1\nb = inf\n"); }) ==
             "a.toml:2:5: b: numbers must be finite, got inf or nan; leave the key out, or put it in quotes if a string is meant");
  BOOST_TEST(message_of([] { tree_of("a = [2020-01-01]"); }).find("no key takes a date") != std::string::npos);
  BOOST_TEST(message_of([] { tree_of("a = 1\na = 2"); }).starts_with("a.toml:2:"));
}

BOOST_AUTO_TEST_CASE(a_missing_file_is_refused_with_its_name) {
  BOOST_TEST(message_of([] { ConfigTree().add_file("/nowhere/a.toml"); }).find("/nowhere/a.toml") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(included_files_come_first_and_are_relative_to_the_file) {
  const TemporaryFolder folder;
  folder.write("base/common.toml", "seed = 1\nclip_norm = 2.0\n[accum]\nmicro_batches = 4\ntarget = 1\n");
  folder.write("base/more.toml", "include = [\"common.toml\"]\nclip_norm = 3.0\n");
  folder.write("a.toml", "include = [\"base/more.toml\"]\nseed = 5\n[accum]\nmicro_batches = 8\n");
  ConfigTree tree;
  tree.add_file(folder.path() / "a.toml");
  BOOST_TEST(tree.values() == nlohmann::json::parse(R"({"seed":5,"clip_norm":3.0,"accum":{"micro_batches":8,"target":1}})"));
  BOOST_TEST(tree.origin({"clip_norm"}).text == (folder.path() / "base/more.toml").string() + ":2:1");
  BOOST_TEST((tree.origin({"clip_norm"}).layer == Layer::kInclude));
  BOOST_TEST((tree.origin({"seed"}).layer == Layer::kFile));
  BOOST_TEST(tree.origin({"accum", "target"}).level < tree.origin({"clip_norm"}).level);
}

BOOST_AUTO_TEST_CASE(a_file_may_be_included_twice_but_not_in_a_circle) {
  const TemporaryFolder folder;
  folder.write("common.toml", "seed = 3\n");
  folder.write("left.toml", "include = \"common.toml\"\n");
  folder.write("top.toml", "include = [\"left.toml\", \"common.toml\"]\n");
  ConfigTree tree;
  tree.add_file(folder.path() / "top.toml");
  BOOST_TEST(tree.values()["seed"] == 3);

  folder.write("b.toml", "include = [\"c.toml\"]\n");
  folder.write("c.toml", "\ninclude = [\"b.toml\"]\n");
  const std::string message = message_of([&] { ConfigTree().add_file(folder.path() / "b.toml"); });
  BOOST_TEST(message.starts_with((folder.path() / "c.toml").string() + ":2:1: include goes in a circle"));
}

BOOST_AUTO_TEST_CASE(an_include_that_is_missing_or_no_list_of_paths_is_refused_with_the_place_of_the_include) {
  BOOST_TEST(message_of([] { tree_of("\ninclude = [\"nowhere.toml\"]"); }).starts_with("a.toml:2:1: include: "));
  BOOST_TEST(message_of([] { tree_of("include = 3"); }) == "a.toml:1:1: include must be a list of paths, got 3; write include = [\"base.toml\"]");
  BOOST_TEST(message_of([] { tree_of("include = [3]"); }).find("must be a list of paths") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_later_layer_wins_key_by_key) {
  ConfigTree tree = kSample;
  tree.add_environment(std::vector<std::string>{"TRAINHOST__ACCUM__MICRO_BATCHES=5", "TRAINHOST__SEED=7", "HOME=/root", "TRAINHOST_PLUGIN_PATH=/x"});
  tree.apply_override("accum.micro_batches=6");
  tree.set_flag({"name"}, "x", "--name x");
  BOOST_TEST(tree.values()["seed"] == 7);
  BOOST_TEST(tree.origin({"seed"}).text == "environment TRAINHOST__SEED");
  BOOST_TEST(tree.values()["accum"]["micro_batches"] == 6);
  BOOST_TEST(tree.origin({"accum", "micro_batches"}).text == "override accum.micro_batches=6");
  BOOST_TEST(tree.origin({"name"}).text == "flag --name x");
  BOOST_TEST(tree.values().size() == 4U);
}

BOOST_AUTO_TEST_CASE(an_environment_name_with_an_empty_part_is_refused) {
  for (const char* entry : {"TRAINHOST__=1", "TRAINHOST__A____B=1", "TRAINHOST__A__=1"})
    BOOST_TEST(message_of([&] { ConfigTree().add_environment(std::vector<std::string>{entry}); }).find("empty key") != std::string::npos);
}

struct OverrideCase {
  const char *text, *pointer, *json;
  friend std::ostream& operator<<(std::ostream& out, const OverrideCase& c) { return out << c.text; }
};
const OverrideCase kOverrides[] = {
    {"seed=2", "/seed", "2"},
    {"seed=2.5", "/seed", "2.5"},
    {"seed=true", "/seed", "true"},
    {"seed=600step", "/seed", "\"600step\""},
    {"seed=bf16", "/seed", "\"bf16\""},
    {"seed=\"7\"", "/seed", "\"7\""},
    {"seed='7'", "/seed", "\"7\""},
    {"seed=[1, 2]", "/seed", "[1,2]"},
    {"seed=[\"a\"]", "/seed", "[\"a\"]"},
    {"seed={x=1}", "/seed/x", "1"},
    {"seed=", "/seed", "\"\""},
    {"seed=a=b", "/seed", "\"a=b\""},
    {"seed=1 # two", "/seed", "\"1 # two\""},
    {"seed=1\nother=2", "/seed", "\"1\\nother=2\""},
    {"seed=1,", "/seed", "\"1,\""},
    {"seed=1, 2", "/seed", "\"1, 2\""},
    {"seed=2020-01-01", "/seed", "\"2020-01-01\""},
    {"seed=nan", "/seed", "\"nan\""},
    {"seed=s3://bucket/x?y=1", "/seed", "\"s3://bucket/x?y=1\""},
    {"accum.micro_batches=9", "/accum/micro_batches", "9"},
    {"evaluation.\"held.out\".every=1step", "/evaluation/held.out/every", "\"1step\""},
    {"+accum.extra=1", "/accum/extra", "1"},
    {"+new.table.key=1", "/new/table/key", "1"},
};

BOOST_DATA_TEST_CASE(the_right_side_of_an_override_is_toml_else_a_string, data::make(kOverrides), sample) {
  ConfigTree tree = kSample;
  tree.apply_override(sample.text);
  BOOST_TEST(tree.values().at(nlohmann::json::json_pointer(sample.pointer)) == nlohmann::json::parse(sample.json));
}

struct BadCase {
  const char *text, *message;
  friend std::ostream& operator<<(std::ostream& out, const BadCase& c) { return out << c.text; }
};
const BadCase kBadOverrides[] = {
    {"seed", "override seed: wanted a.b=c (set), +a.b=c (add) or ~a.b (delete)"},
    {"~seed=1", "override ~seed=1: wanted a.b=c (set), +a.b=c (add) or ~a.b (delete)"},
    {"+seed=1", "override +seed=1: seed is there already (a.toml:1:1); write seed=1 to change it"},
    {"~accum.micro", "override ~accum.micro: nothing to delete, accum.micro is not set"},
    {"=1", "override =1: \"\" is no key; wanted names with dots between them, such as evaluation.heldout.every"},
    {"a..b=1", "override a..b=1: \"a..b\" is no key; wanted names with dots between them, such as evaluation.heldout.every"},
    {"a b=1", "override a b=1: \"a b\" is no key; wanted names with dots between them, such as evaluation.heldout.every"},
    {"accum=1", "override accum=1: accum is a table, got the value 1; name one of its keys"},
    {"seed=\xff", "override: the text is not UTF-8"},
};

BOOST_DATA_TEST_CASE(an_override_that_cannot_be_meant_is_refused, data::make(kBadOverrides), sample) {
  ConfigTree tree = kSample;
  BOOST_TEST(message_of([&] { tree.apply_override(sample.text); }) == sample.message);
}

BOOST_AUTO_TEST_CASE(a_deleted_key_is_gone_with_its_origin) {
  ConfigTree tree = kSample;
  tree.apply_override("~accum.micro_batches");
  tree.apply_override("~evaluation");
  BOOST_TEST(tree.values() == nlohmann::json::parse(R"({"seed":1,"accum":{}})"));
  BOOST_TEST(tree.origin({"evaluation", "heldout"}).text == "default");
}

BOOST_AUTO_TEST_CASE(additions_tell_what_was_not_there) {
  ConfigTree tree = kSample;
  tree.apply_override("accum.micro_batches=1");
  tree.apply_override("evaluation.other.every=1step");
  tree.apply_override("+evaluation.third.every=1step");
  BOOST_REQUIRE_EQUAL(tree.additions().size(), 2U);
  BOOST_TEST(tree.additions()[0].first_new == 2U);
  BOOST_TEST(tree.additions()[1].first_new == 1U);
}

BOOST_AUTO_TEST_CASE(a_scalar_may_be_replaced_by_a_table_and_back) {
  ConfigTree tree = kSample;
  tree.set({"seed", "x"}, 1, {Layer::kFile, 9, "b.toml:1:1"});
  BOOST_TEST(tree.values()["seed"] == nlohmann::json::parse(R"({"x":1})"));
  tree.set({"seed"}, 4, {Layer::kFile, 10, "c.toml:1:1"});
  BOOST_TEST(tree.values()["seed"] == 4);
  BOOST_TEST(tree.origin({"seed", "x"}).text == "c.toml:1:1");
}

BOOST_AUTO_TEST_CASE(a_subtree_grafted_back_is_the_same) {
  ConfigTree copy;
  copy.graft({"evaluation"}, kSample.subtree({"evaluation"}));
  BOOST_TEST(copy.values()["evaluation"] == kSample.values()["evaluation"]);
  BOOST_TEST(copy.origin({"evaluation", "heldout", "textfiles", "split"}).text == "a.toml:5:11");
}

BOOST_AUTO_TEST_CASE(key_texts_quote_what_toml_does_not_take_bare) {
  BOOST_TEST(key_text({"a", "b-c", "d.e", ""}) == "a.b-c.\"d.e\".\"\"");
  BOOST_TEST((parse_key("a.b-c.\"d.e\"") == KeyPath{"a", "b-c", "d.e"}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
