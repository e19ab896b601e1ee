// Written configs read back as the same.
#include "config/writer.h"

#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

#include "config/config_testing.h"
#include "config/plugins_testing.h"
#include "config/toml.h"
#include "config/trajectory.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(writer_test)

namespace {

using nlohmann::json;

const std::string kConfig = R"(
seed = 7
max = ["600step", "2h"]
price_per_hour = 2.49
plugins = ["accum", "gpt"]
[accum]
target_samples = 64
[gpt]
width = 64
label = "tab\t \"quoted\" \\ ünï\u007f\n"
extra = { "a.b" = ["x", "y"] }
[lr_schedule.plateau]
factor = 0.25
[adamw]
learning_rate = 7.0
[evaluation.heldout]
every = "5%"
textfiles.split = "heldout"
[data.mixture.web]
weight = 2.0
textfiles.split = "web"
[data.mixture."more of it"]
weight = 1.0
cache.share = 0.25
[evaluation."other set"]
cache.share = 0.5
[model]
fields = { x = "tokens" }
[optimizer.groups.norms]
pattern = "*norm*"
)";

json everything(const ResolvedConfig& config) {
  json all = {{"host", config.host.values()}, {"overrides", config.evaluation_overrides.values()}};
  for (const PluginConfig& plugin : config.plugins) all["plugins"].push_back({plugin.kind, plugin.name, plugin.values});
  for (const EvaluationSources& sources : config.evaluation_sources)
    for (const PluginConfig& plugin : sources.plugins) all["sets"].push_back({sources.set, plugin.name, plugin.values});
  for (const EvaluationSources& sources : config.mixture)
    for (const PluginConfig& plugin : sources.plugins) all["parts"].push_back({sources.set, plugin.name, plugin.values});
  all["trajectory"] = trajectory(config, schedule_length(config));
  return all;
}

// Text with anything in it that a config may hold.
rc::Gen<std::string> any_text() {
  return rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::inRange<char>(1, 127), rc::gen::element<char>('"', '\\', '\n', '#', '=', '\'', '[', ',', '\x7f', '\t')));
}

rc::Gen<json> any_value(int depth) {
  auto scalar = rc::gen::oneOf(rc::gen::map(any_text(), [](std::string text) { return json(std::move(text)); }),
                               rc::gen::map(rc::gen::arbitrary<int64_t>(), [](int64_t n) { return json(n); }),
                               rc::gen::map(rc::gen::arbitrary<bool>(), [](bool b) { return json(b); }),
                               rc::gen::map(rc::gen::arbitrary<double>(), [](double x) { return json(std::isfinite(x) ? x : 1.5); }));
  if (depth == 0) return scalar;
  auto list = rc::gen::map(rc::gen::container<std::vector<json>>(any_value(depth - 1)), [](std::vector<json> values) { return json(std::move(values)); });
  auto table = rc::gen::map(rc::gen::container<std::map<std::string, json>>(any_text(), any_value(depth - 1)),
                            [](std::map<std::string, json> values) { return json(std::move(values)); });
  return rc::gen::oneOf(scalar, list, table);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_written_config_reads_back_as_the_same) {
  const ResolvedConfig config = resolve_text(kConfig);
  for (const bool with_origins : {true, false}) {
    const std::string text = resolved_toml(config, with_origins);
    BOOST_TEST(everything(resolve_text(text)) == everything(config), text);
  }
  const std::string once = resolved_toml(config, false);
  BOOST_TEST(resolved_toml(resolve_text(once), false) == once);
}

BOOST_AUTO_TEST_CASE(every_value_has_its_origin_behind_it) {
  ConfigTree tree = testing_tree(kConfig);
  tree.apply_override("gpt.width=32");
  tree.set_flag({"name"}, "x", "--name x");
  const std::string text = resolved_toml(resolve(tree, testing_plugins(), {"a", false}));
  const auto has_line = [&](const std::string& value, const std::string& origin) {
    const size_t at = text.find("\n" + value + " ");
    return at != std::string::npos && text.substr(at + 1, text.find('\n', at + 1) - at - 1).ends_with("  # " + origin);
  };
  BOOST_TEST(has_line("seed = 7", "a.toml:2:1"), text);
  BOOST_TEST(has_line("width = 32", "override gpt.width=32"), text);
  BOOST_TEST(has_line("max_skips = 8", "default"), text);
  BOOST_TEST(text.starts_with("name = \"x\" "), text);
  BOOST_TEST(has_line("split = \"heldout\"", "a.toml:18:11"), text);
  BOOST_TEST(text.find("[evaluation.\"other set\".cache]") != std::string::npos, text);
  BOOST_TEST(text.find("learning_rate") == std::string::npos, text);  // installed, not chosen
}

BOOST_AUTO_TEST_CASE(secrets_are_written_nowhere_and_the_text_reads_back) {
  const json schema = json::parse(R"({"type":"object","additionalProperties":false,"properties":{"token":{"type":"string","x-secret":true},"user":{"type":"string"}}})");
  std::vector<PluginSchema> plugins = testing_plugins();
  plugins.push_back({"observer", "mail", &schema, true});
  plugins.push_back({"data_source", "vault", &schema, true});
  ConfigTree tree = testing_tree("[mail]\nuser = \"me\"\ntoken = \"hunter2\"\n[evaluation.heldout]\nvault.token = \"hunter3\"\n");
  tree.apply_override("vault.token=hunter4");
  const ResolvedConfig config = resolve(tree, plugins, {"a", false});
  BOOST_TEST(config.find("observer", "mail")->values["token"] == "hunter2");
  BOOST_TEST(config.evaluation_sources[0].plugins.back().values["token"] == "hunter3");
  for (const bool with_origins : {true, false}) {
    const std::string text = resolved_toml(config, with_origins);
    BOOST_TEST(text.find("hunter") == std::string::npos, text);
    BOOST_TEST(text.find("# token = (secret, not written down; set it again, for example as TRAINHOST__MAIL__TOKEN)\n") != std::string::npos, text);
    BOOST_TEST(text.find("TRAINHOST__EVALUATION__HELDOUT__VAULT__TOKEN") != std::string::npos, text);
    const ResolvedConfig again = resolve(testing_tree(text), plugins, {"a", false});
    BOOST_TEST(again.find("observer", "mail")->values == json({{"user", "me"}}));
  }
  BOOST_TEST(masked_values(config.find("observer", "mail")->tree) == json({{"user", "me"}, {"token", "(secret)"}}));
  for (const auto& [argument, shown] : std::vector<std::pair<std::string, std::string>>{{"vault.token=hunter4", "vault.token=(secret)"},
                                                                                        {"--set=vault.token=an older one", "--set=vault.token=(secret)"},
                                                                                        {"+mail={token=\"hunter2\"}", "+mail=(secret)"},
                                                                                        {"mail.user=me", "mail.user=me"},
                                                                                        {"--quiet", "--quiet"}})
    BOOST_TEST(public_argument(config, argument) == shown);
  const json whole = public_config(config);
  BOOST_TEST(whole.dump().find("hunter") == std::string::npos);
  BOOST_TEST(whole["mail"] == json({{"user", "me"}}));
  BOOST_TEST(whole["seed"] == 1);
  BOOST_TEST(whole["gpt"]["width"] == 128);
}

BOOST_AUTO_TEST_CASE(an_origin_cannot_break_out_of_its_comment) {
  ConfigTree tree = testing_tree("");
  tree.apply_override("gpt.label=\"a\nseed = 9\"");
  const ResolvedConfig config = resolve(tree, testing_plugins(), {"a", false});
  BOOST_TEST(everything(resolve_text(resolved_toml(config))) == everything(config));
}

BOOST_AUTO_TEST_CASE(any_value_written_as_toml_is_read_as_the_same) {
  const bool holds = rc::check([] {
    const json value = *rc::gen::resize(8, any_value(2));  // 8 entries a level at most
    const auto back = parse_toml_value(toml_value(value));
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->dump() == value.dump());
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(any_override_that_is_written_as_toml_sets_that_value) {
  const bool holds = rc::check([] {
    const json value = *any_value(0);
    const std::string key = *any_text();
    ConfigTree tree;
    tree.apply_override("+" + key_text({"table", key, "x"}) + "=" + toml_value(value));
    const json* found = tree.find({"table", key, "x"});
    RC_ASSERT(found != nullptr);
    RC_ASSERT(*found == value);
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(any_text_is_either_an_override_or_refused_in_words) {
  const bool holds = rc::check([] {
    ConfigTree tree;
    try {
      tree.apply_override(*any_text());
    } catch (const Error& error) {
      RC_ASSERT(error.code() == ExitCode::kConfig);
    }
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(any_key_written_is_read_as_the_same) {
  const bool holds = rc::check([] {
    const KeyPath path = *rc::gen::nonEmpty(rc::gen::container<KeyPath>(any_text()));
    RC_ASSERT(parse_key(key_text(path)) == path);
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
