// Names into plugins, --plugins, and what may be chosen together.
#include "config/plugin_list.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "config/config_testing.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(plugin_list_test)

namespace {

namespace data = boost::unit_test::data;

const std::vector<KnownPlugin> kKnown = {
    {"precision_policy", "amp"},
    {"precision_policy", "fp32"},
    {"data_source", "textfiles"},
    {"data_source", "tokens"},
    {"data_source", "cache", 1},
    {"data_source", "zip", 1},
    {"checkpoint_backend", "localckpt"},
    {"checkpoint_backend", "s3ckpt"},
    {"checkpoint_backend", "mirrorckpt", 2},
    {"checkpoint_backend", "faultckpt", 1},
    {"observer", "csvlog", 0, true},
    {"observer", "dashboard", 0, true},
    {"stopping_rule", "plateau", 0, true},
    {"lr_schedule", "plateau"},
    {"op_pack", "kernels", 0, true},
    {"model", "mine", 0, false, "/somewhere/mine.so"},
};
const std::vector<std::string> kBase = {"amp", "textfiles", "localckpt", "csvlog"};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    words.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

std::string edited(const std::string& edits, const PluginLists& lists = {kBase, {}, {}}) {
  const PluginLists after = edit_plugins(lists, split(edits), kKnown);
  return joined(after.plugins) + "|" + joined(after.data_decorators) + "|" + joined(after.checkpoint_decorators);
}

std::string selected(const std::string& toml) {
  ConfigTree tree;
  tree.add_text(toml, "a.toml");
  std::vector<std::string> names;
  for (const KnownPlugin& plugin : select_plugins(tree, kKnown)) names.push_back(plugin.name);
  return joined(names);
}

struct EditCase {
  const char *edits, *result;
  friend std::ostream& operator<<(std::ostream& out, const EditCase& c) { return out << c.edits; }
};
const EditCase kEdits[] = {
    {"fp32", "fp32,textfiles,localckpt,csvlog||"},
    {"amp", "amp,textfiles,localckpt,csvlog||"},
    {"precision_policy/fp32", "precision_policy/fp32,textfiles,localckpt,csvlog||"},
    {"dashboard", "amp,textfiles,localckpt,csvlog,dashboard||"},
    {"cache", "amp,textfiles,localckpt,csvlog,cache||"},
    {"cache,zip", "amp,textfiles,localckpt,csvlog,cache,zip||"},
    {"-csvlog", "amp,textfiles,localckpt||"},
    {"-observer/csvlog", "amp,textfiles,localckpt||"},
    {"-amp,fp32", "textfiles,localckpt,csvlog,fp32||"},
    {"s3ckpt", "amp,textfiles,s3ckpt,csvlog||"},
    {"mirrorckpt,localckpt,s3ckpt", "amp,textfiles,localckpt,csvlog,mirrorckpt,s3ckpt||"},
    {"lr_schedule/plateau", "amp,textfiles,localckpt,csvlog,lr_schedule/plateau||"},
    {"/somewhere/../somewhere/mine.so", "amp,textfiles,localckpt,csvlog,/somewhere/../somewhere/mine.so||"},
    {"tokens,-csvlog,dashboard", "amp,tokens,localckpt,dashboard||"},
};

struct BadCase {
  const char *text, *message;
  friend std::ostream& operator<<(std::ostream& out, const BadCase& c) { return out << c.text; }
};
const BadCase kBadEdits[] = {
    {"ampp", "--plugins: no plugin \"ampp\" is installed; did you mean \"amp\"?; `trainhost plugins list` shows all"},
    {"observer/cvslog", "--plugins: no plugin \"observer/cvslog\" is installed; did you mean \"observer/csvlog\"?"},
    {"plateau", "--plugins: \"plateau\" is ambiguous; write stopping_rule/plateau or lr_schedule/plateau"},
    {"-cvslog", "--plugins: -cvslog: cvslog is not chosen, so it cannot be left out; did you mean \"csvlog\"?"},
    {"-fp32", "--plugins: -fp32: fp32 is not chosen, so it cannot be left out"},
    {"fp32,amp", "--plugins: fp32 and amp are both a precision_policy, of which a run has one; leave one out"},
    {"localckpt,s3ckpt", "--plugins: localckpt and s3ckpt are both a checkpoint_backend, of which a run has one; leave one out"},
};

const BadCase kBadLists[] = {
    {"plugins = [\"amp\", \"fp32\"]", "a.toml:1:1: plugins: amp and fp32 are both a precision_policy, of which a run has one; leave one out"},
    {"plugins = [\"amp\", \"precision_policy/amp\"]", "a.toml:1:1: plugins: precision_policy/amp is listed twice; leave one out"},
    {"plugins = [\"cache\"]", "a.toml:1:1: plugins: cache wraps a data_source, but none is chosen; add one"},
    {"plugins = [\"localckpt\", \"s3ckpt\", \"faultckpt\"]",
     "a.toml:1:1: plugins: localckpt and s3ckpt are both a checkpoint_backend, of which a run has one; leave one out"},
    {"plugins = \"amp\"", "a.toml:1:1: plugins must be a list of names, got \"amp\"; write [\"a\", \"b\"]"},
    {"plugins = [\"amq\"]", "a.toml:1:1: plugins: no plugin \"amq\" is installed; did you mean \"amp\"?"},
    {"data.decorators = [\"amp\"]", "a.toml:1:6: data.decorators: precision_policy/amp is no decorator of a data_source; list it in `plugins`"},
    {"data.decorators = [\"cache\", \"cache\"]", "a.toml:1:6: data.decorators: cache is listed twice; leave one out"},
    {"op_pack.order = [\"kernel\"]", "a.toml:1:9: op_pack.order: no plugin \"kernel\" is installed; did you mean \"kernels\"?"},
    {"op_pack.order = [\"amp\"]", "a.toml:1:9: op_pack.order: amp is a precision_policy; the list orders op packs only"},
};

}  // namespace

BOOST_DATA_TEST_CASE(the_flag_replaces_adds_wraps_and_removes, data::make(kEdits), sample) { BOOST_TEST(edited(sample.edits) == sample.result); }

BOOST_DATA_TEST_CASE(a_flag_that_cannot_be_meant_is_refused, data::make(kBadEdits), sample) {
  const std::string message = message_of([&] { edited(sample.text); });
  BOOST_TEST(message.starts_with(sample.message), message);
}

BOOST_AUTO_TEST_CASE(decorators_in_their_own_lists_are_found_and_removed) {
  const PluginLists lists{kBase, {"cache"}, {"faultckpt"}};
  BOOST_TEST(edited("cache", lists) == "amp,textfiles,localckpt,csvlog|cache|faultckpt");
  BOOST_TEST(edited("-cache,-faultckpt", lists) == "amp,textfiles,localckpt,csvlog||");
}

BOOST_AUTO_TEST_CASE(a_plugin_that_is_not_installed_can_be_left_out) { BOOST_TEST(edited("-gone", {{"amp", "gone"}, {}, {}}) == "amp||"); }

BOOST_AUTO_TEST_CASE(changed_lists_have_the_flag_as_origin) {
  ConfigTree tree;
  tree.add_text("plugins = [\"amp\", \"csvlog\"]\ndata.decorators = [\"cache\"]", "a.toml");
  apply_plugins_flag(tree, split("fp32,-csvlog"), kKnown);
  BOOST_TEST(tree.values()["plugins"] == nlohmann::json::parse(R"(["fp32"])"));
  BOOST_TEST(tree.origin({"plugins"}).text == "flag --plugins fp32,-csvlog");
  BOOST_TEST(tree.origin({"data", "decorators"}).text == "a.toml:2:6");
}

BOOST_AUTO_TEST_CASE(chosen_plugins_come_in_their_order_and_decorators_from_the_inside_out) {
  BOOST_TEST(selected("plugins = [\"zip\", \"textfiles\", \"amp\"]\ndata.decorators = [\"cache\"]") == "textfiles,amp,cache,zip");
  BOOST_TEST(selected("plugins = [\"zip\", \"textfiles\"]\ndata.decorators = [\"cache\", \"zip\"]") == "textfiles,cache,zip");
  BOOST_TEST(selected("plugins = [\"localckpt\", \"s3ckpt\", \"mirrorckpt\"]") == "localckpt,s3ckpt,mirrorckpt");
  BOOST_TEST(selected("op_pack.order = [\"kernels\"]").empty());  // an order chooses nothing
  BOOST_TEST(selected("seed = 1").empty());
}

BOOST_DATA_TEST_CASE(lists_that_cannot_be_meant_are_refused_with_their_place, data::make(kBadLists), sample) {
  const std::string message = message_of([&] { selected(sample.text); });
  BOOST_TEST(message.starts_with(sample.message), message);
}

BOOST_AUTO_TEST_CASE(two_files_of_one_plugin_are_one_name) {
  const std::vector<KnownPlugin> twins = {{"observer", "csvlog", 0, true}, {"observer", "csvlog", 0, true}};
  BOOST_TEST(find_plugin("csvlog", twins, "").kind == "observer");
}

BOOST_AUTO_TEST_CASE(a_kind_that_a_run_needs_must_be_chosen) {
  const std::vector<KnownPlugin> chosen = {{"data_source", "cache", 1}};
  BOOST_TEST(message_of([&] { require_kinds(std::vector<std::string>{"data_source"}, chosen, kKnown); }) ==
             "plugins: a run needs a data_source, none is chosen; add one of: textfiles, tokens");
  BOOST_TEST(message_of([&] { require_kinds(std::vector<std::string>{"optimizer"}, chosen, kKnown); }) ==
             "plugins: a run needs a optimizer, none is chosen; and none is installed");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
