// From a tree to a run's config: tables of plugins, evaluation sets, host keys, problems.
#include "config/resolve.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "config/config_testing.h"
#include "config/plugins_testing.h"
#include "config/trajectory.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(resolve_test)

namespace {

namespace data = boost::unit_test::data;
using nlohmann::json;

struct BadCase {
  const char *text, *message;
  friend std::ostream& operator<<(std::ostream& out, const BadCase& c) { return out << c.text; }
};
const BadCase kBad[] = {
    {"sed = 1", "a.toml:1:1: unknown key sed; did you mean \"seed\"?"},
    {"[acum]\nx = 1", "a.toml:1:2: unknown key acum; did you mean \"accum\"?"},
    {"[accum]\nmicro_batch = 1", "a.toml:2:1: unknown key accum.micro_batch; did you mean \"micro_batches\"?"},
    {"[accumulation_schedule.acum]\nx = 1", "a.toml:1:24: unknown key accumulation_schedule.acum; did you mean \"accum\"?"},
    {"[accumulation_schedule.accum]\nmicro_batches = 0", "a.toml:2:1: accum.micro_batches must be at least 1, got 0"},
    {"[accum]\nmicro_batches = 2\n[accumulation_schedule.accum]\nmicro_batches = 3",
     "a.toml:2:1: accum.micro_batches is set twice, as accumulation_schedule.accum.micro_batches too (a.toml:4:1); leave one out"},
    {"accum = 3", "a.toml:1:1: accum must be a table, got 3; write its keys below [accum]"},
    {"[plateau]\nfactor = 0.5", "a.toml:1:2: [plateau] is the name of 2 plugins; write [lr_schedule.plateau] or [stopping_rule.plateau]"},
    {"[stopping_rule.plateau]\nfactor = 0.5", "a.toml:2:1: unknown key stopping_rule.plateau.factor; known: patience"},
    {"[adamw]\nbeta = 0.5", "a.toml:2:1: unknown key adamw.beta"},  // installed, not chosen
    {"[evaluation.heldout]\nevry = \"1step\"", "a.toml:2:1: unknown key evaluation.heldout.evry; did you mean \"every\"?"},
    {"[evaluation.heldout]\ntextfiles.splt = \"x\"", "a.toml:2:11: unknown key textfiles.splt; did you mean \"split\"?"},
    {"[evaluation.heldout]\naccum.micro_batches = 1", "a.toml:2:1: unknown key evaluation.heldout.accum"},
    {"[model]\nwidth = 1", "a.toml:2:1: unknown key model.width"},
    {"[model]\nrecompute = \"all\"", "a.toml:2:1: model.recompute must be one of none, blocks, got \"all\""},
    {"[model]\ninit_from = 3", "a.toml:2:1: model.init_from must be a string, got 3; put it in quotes"},
    {"[model]\nfreeze = [\"\"]", "a.toml:2:1: model.freeze entry 1 must not be empty"},
    {"[execution]\ncuda_graph = \"yes\"", "a.toml:2:1: execution.cuda_graph must be one of auto, on, off, got \"yes\""},
    {"[optimizer.groups.norms]\nrate_multiplier = 1.0",
     "a.toml:1:19: optimizer.groups.norms.pattern is missing; wanted: Names of the parameters in the group: a glob with * and ?."},
    {"[data.mixture.web]\ntextfiles.root = \"x\"", "a.toml:1:15: data.mixture.web.weight is missing; wanted: Share of the samples"},
    {"[data.mixture.web]\nweight = 0", "a.toml:2:1: data.mixture.web.weight must be more than 0"},
    {"[data.mixture.web]\nweight = 1\nsource = \"tokns\"", "a.toml:3:1: data.mixture.web.source: no data source \"tokns\" is installed; did you mean \"tokens\"?"},
    {"[data.mixture.web]\nweight = 1\ntextfiles.splt = \"x\"", "a.toml:3:11: unknown key textfiles.splt; did you mean \"split\"?"},
    {"[data]\nthreads = \"many\"", "a.toml:2:1: data.threads must match ^auto$"},
    {"[data]\nmemory = \"2GB\"", "a.toml:2:1: data.memory: \"2GB\" is no size of memory"},
    {"[data]\nstall_timeout = \"3step\"", "a.toml:2:1: data.stall_timeout: \"3step\" is no time"},
    {"name = \"a/b\"", "a.toml:1:1: name must match"},
    {"device = \"gpu\"", "a.toml:1:1: device must match"},
    {"max = \"600steps\"", "a.toml:1:1: max is not valid: unknown unit \"steps\""},
    {"max = [\"600step\", \"40\"]", "a.toml:1:1: max entry 2 is not valid: \"40\" has no unit"},
    {"max = \"40usd\"", "a.toml:1:1: max: \"40usd\": the run cannot measure money without a price"},
    {"max = \"5%\"", "a.toml:1:1: max: \"5%\" is a part of the run's length, which max itself states"},
    {"max = \"1kwh\"", "a.toml:1:1: max: \"1kwh\": this machine has no energy meter"},
    {"price_per_hour = 2.0\nmax = \"40eur\"", "a.toml:2:1: max: \"40eur\": \"eur\" is neither a unit"},
    {"[telemetry]\nevery = \"5%\"", "a.toml:2:1: telemetry.every: \"5%\" is a part of the run's length, but max has no entry"},
    {"price_per_hour = 0", "a.toml:1:1: price_per_hour must be more than 0, got 0.0"},
    {"seed = -1", "a.toml:1:1: seed must be at least 0, got -1"},
};

const std::string kEveryKey = R"(
name = "quick.start-1"
seed = 7
max = ["600step", "40usd", "2h"]
device = "cuda:1"
plugins = ["accum", "textfiles"]
plugin_path = ["x"]
price_per_hour = 2
clip_norm = 1
max_skips = 3
require_smoke = true
[data]
threads = 4
prefetch = 2
shuffle = false
shuffle_blocks = 8
decorators = ["cache"]
[evaluation.heldout]
every = "10%"
max_samples = 256
micro_batch_samples = 16
[evaluation.train]
[checkpoint]
uri = "file:/x"
every = "5min"
keep_last = 3
keep_every = 1000
keep_best = 0
good_after = 10
decorators = ["faultckpt"]
[execution]
cuda_graph = "off"
threads = 2
[telemetry]
every = "1epoch"
[model]
fields = { x = "tokens" }
[op_pack]
order = ["b", "a"]
[optimizer.groups.norms]
pattern = "*norm*"
weight_decay = 0
[sample]
prompt = "int"
length = 10
temperature = 0
top_k = 5
)";

ResolvedConfig with_override(const std::string& text, const std::string& override) {
  ConfigTree tree = testing_tree(text);
  tree.apply_override(override);
  return resolve(tree, testing_plugins(), {"a", false});
}

}  // namespace

BOOST_DATA_TEST_CASE(what_cannot_be_meant_is_refused_with_its_place, data::make(kBad), sample) {
  const std::string message = message_of([&] { resolve_text(sample.text); });
  BOOST_TEST(message.starts_with(sample.message), message);
  BOOST_TEST(std::count(message.begin(), message.end(), '\n') == 0, message);
}

BOOST_AUTO_TEST_CASE(an_empty_config_has_the_defaults_of_the_host) {
  const RunConfig run = resolve_text("").run;
  BOOST_TEST(run.name == "a");
  BOOST_TEST(run.seed == 1U);
  BOOST_TEST(run.max.empty());
  BOOST_TEST(run.device == "auto");
  BOOST_TEST(!run.price_per_hour.has_value());
  BOOST_TEST(run.max_skips == 8U);
  BOOST_TEST(run.data.threads == 0);
  BOOST_TEST(run.data.memory_bytes == uint64_t{2} << 30);
  BOOST_TEST(run.data.stall_seconds == 300);
  BOOST_TEST(run.checkpoint.every.text == "10min");
  BOOST_TEST(run.checkpoint.good_after == 50U);
  BOOST_TEST(run.telemetry.every.text == "10step");
  BOOST_TEST(run.evaluations.empty());
}

BOOST_AUTO_TEST_CASE(every_key_of_the_run_and_its_data_arrives) {
  const RunConfig run = resolve_text(kEveryKey).run;
  BOOST_TEST(run.name == "quick.start-1");
  BOOST_TEST(run.max.size() == 3U);
  BOOST_TEST(run.max[1].currency == "usd");
  BOOST_TEST(run.device == "cuda:1");
  BOOST_TEST(run.plugin_path.size() == 1U);
  BOOST_TEST(*run.price_per_hour == 2.0);
  BOOST_TEST(run.clip_norm == 1.0);
  BOOST_TEST(run.max_skips == 3U);
  BOOST_TEST(run.require_smoke);
  BOOST_TEST((run.data.threads == 4 && run.data.prefetch == 2 && !run.data.shuffle && run.data.shuffle_blocks == 8));
  BOOST_TEST(run.data.decorators.front() == "cache");
}

BOOST_AUTO_TEST_CASE(every_key_of_the_other_tables_arrives) {
  const RunConfig run = resolve_text(kEveryKey).run;
  BOOST_TEST(run.evaluations.size() == 2U);
  BOOST_TEST(run.evaluations[0].name == "heldout");
  BOOST_TEST(run.evaluations[0].every.text == "60step");
  BOOST_TEST((run.evaluations[0].max_samples == 256 && run.evaluations[0].micro_batch_samples == 16));
  BOOST_TEST(run.evaluations[1].every.text == "100step");
  BOOST_TEST(run.checkpoint.uris.front() == "file:/x");
  BOOST_TEST(run.checkpoint.every.text == "5min");
  BOOST_TEST((run.checkpoint.keep_last == 3 && run.checkpoint.keep_every == 1000 && run.checkpoint.keep_best == 0 && run.checkpoint.good_after == 10));
  BOOST_TEST((run.execution.cuda_graph == "off" && run.execution.threads == 2));
  BOOST_TEST(run.telemetry.every.text == "1epoch");
  BOOST_TEST(run.model.fields.at("x") == "tokens");
  BOOST_TEST((run.op_pack.order == std::vector<std::string>{"b", "a"}));
  BOOST_REQUIRE_EQUAL(run.groups.size(), 1U);
  BOOST_TEST((run.groups[0].label == "norms" && run.groups[0].pattern == "*norm*" && run.groups[0].rate_multiplier == 1 && *run.groups[0].weight_decay == 0));
  BOOST_TEST((run.sample.prompt == "int" && run.sample.length == 10 && run.sample.temperature == 0 && run.sample.top_k == 5));
}

BOOST_AUTO_TEST_CASE(a_chosen_plugin_gets_its_table_with_defaults) {
  const ResolvedConfig config = resolve_text("[accum]\nmicro_batches = 4");
  const PluginConfig* accum = config.find("accumulation_schedule", "accum");
  BOOST_REQUIRE(accum);
  BOOST_TEST(accum->values == json::parse(R"({"micro_batch_samples":8,"micro_batches":4})"));
  BOOST_TEST(accum->tree.origin({"micro_batches"}).text == "a.toml:2:1");
  BOOST_TEST(accum->table == "accum");
  BOOST_TEST(!config.find("optimizer", "adamw"));
}

BOOST_AUTO_TEST_CASE(both_tables_of_a_plugin_are_one_and_the_higher_level_wins) {
  ConfigTree tree = testing_tree("[accum]\nmicro_batches = 4\nmicro_batch_samples = 2");
  tree.apply_override("accumulation_schedule.accum.target_samples=64");
  const ResolvedConfig config = resolve(tree, testing_plugins(), {"a", false});
  BOOST_TEST(config.find("accumulation_schedule", "accum")->values == json::parse(R"({"micro_batch_samples":2,"target_samples":64})"));
}

BOOST_AUTO_TEST_CASE(tables_of_ambiguous_names_are_told_apart_by_kind) {
  const ResolvedConfig config = resolve_text("[lr_schedule.plateau]\nfactor = 0.25\n[stopping_rule.plateau]\npatience = 9");
  BOOST_TEST(config.find("lr_schedule", "plateau")->values["factor"] == 0.25);
  BOOST_TEST(config.find("stopping_rule", "plateau")->values["patience"] == 9);
  BOOST_TEST(config.find("lr_schedule", "plateau")->table == "lr_schedule.plateau");
}

BOOST_AUTO_TEST_CASE(a_missing_key_of_a_chosen_plugin_points_at_the_list_of_plugins) {
  std::vector<PluginSchema> plugins = testing_plugins();
  for (PluginSchema& plugin : plugins) plugin.is_chosen = plugin.name == "tokens";
  const ConfigTree tree = testing_tree("plugins = [\"tokens\"]");
  BOOST_TEST(message_of([&] { resolve(tree, plugins, {"a", false}); }) == "a.toml:1:1: tokens.files is missing; wanted: Files to read.");
}

BOOST_AUTO_TEST_CASE(evaluation_sets_inherit_the_source_and_override_keys) {
  ConfigTree tree = testing_tree(R"(
[textfiles]
root = "src"
split = "train"
[evaluation.heldout]
textfiles.split = "heldout"
[evaluation.other]
data_source.textfiles.root = "test"
cache.size = 3
)");
  tree.apply_override("textfiles.split=all");  // of the training set: what a set says of its own stays
  const ResolvedConfig config = resolve(tree, testing_plugins(), {"a", false});
  BOOST_REQUIRE_EQUAL(config.evaluation_sources.size(), 2U);
  BOOST_TEST(config.evaluation_sources[0].set == "heldout");
  BOOST_REQUIRE_EQUAL(config.evaluation_sources[0].plugins.size(), 2U);
  BOOST_TEST(config.evaluation_sources[0].plugins[0].values == json::parse(R"({"root":"src","split":"heldout"})"));
  BOOST_TEST(config.evaluation_sources[0].plugins[1].values == json::parse(R"({"size":1})"));
  BOOST_TEST(config.evaluation_sources[1].plugins[0].values == json::parse(R"({"root":"test","split":"all"})"));
  BOOST_TEST(config.evaluation_sources[1].plugins[1].values == json::parse(R"({"size":3})"));
  BOOST_TEST(config.find("data_source", "textfiles")->values["split"] == "all");
}

BOOST_AUTO_TEST_CASE(parts_of_a_mixture_inherit_the_source_or_name_another) {
  const ResolvedConfig config = resolve_text(R"(
[textfiles]
split = "train"
[tokens]
[data.mixture.web]
weight = 0.7
textfiles.root = "web"
[data.mixture.books]
weight = 0.3
source = "tokens"
tokens.files = ["books.bin"]
cache.size = 3
)");
  BOOST_REQUIRE_EQUAL(config.mixture.size(), 2U);
  BOOST_TEST(config.mixture[0].set == "books");  // by name
  BOOST_TEST(config.run.data.mixture[0].weight == 0.3);
  BOOST_TEST(config.mixture[0].plugins[0].name == "tokens");
  BOOST_TEST(config.mixture[0].plugins[0].values == json::parse(R"({"files":["books.bin"]})"));
  BOOST_TEST(config.mixture[0].plugins[1].values == json::parse(R"({"size":3})"));
  BOOST_TEST(config.mixture[1].plugins[0].values == json::parse(R"({"root":"web","split":"train"})"));
  const json parts = trajectory(config, {});
  BOOST_TEST(parts["mixture"]["web"]["textfiles"] == json::parse(R"({"split":"train"})"));
  BOOST_TEST(parts["host"]["data"]["mixture"]["web"]["weight"] == 0.7);
  BOOST_TEST(!parts["plugins"].contains("data_source/textfiles"));
}

BOOST_AUTO_TEST_CASE(a_source_that_only_lends_its_keys_to_parts_may_lack_some) {
  std::vector<PluginSchema> plugins = testing_plugins();
  for (PluginSchema& plugin : plugins) plugin.is_chosen = plugin.name == "tokens";
  const auto resolved = [&](const std::string& text) { return resolve(testing_tree("plugins = [\"tokens\"]\n" + text), plugins, {"a", false}); };
  const ResolvedConfig config = resolved("[data.mixture.one]\nweight = 1\ntokens.files = [\"a\"]");
  BOOST_TEST(config.mixture[0].plugins[0].values["files"][0] == "a");
  BOOST_TEST(message_of([&] { resolved("[data.mixture.one]\nweight = 1"); }).find("tokens.files is missing") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(other_weights_and_parts_are_another_trajectory) {
  const auto of = [](const std::string& weight, const std::string& split) {
    return trajectory(resolve_text("[data.mixture.web]\nweight = " + weight + "\ntextfiles.split = \"" + split + "\"\n[data.mixture.other]\nweight = 1"), {});
  };
  const json base = of("2", "train");
  BOOST_TEST(trajectory_hash(base) == trajectory_hash(of("2", "train")));
  const std::vector<Difference> weights = trajectory_differences(base, of("3", "train")), splits = trajectory_differences(base, of("2", "all"));
  BOOST_REQUIRE(weights.size() == 1u);
  BOOST_TEST(weights[0].key == "data.mixture.web.weight");
  BOOST_REQUIRE(splits.size() == 1u);
  BOOST_TEST(splits[0].key == "data.mixture.web.textfiles.split");
  BOOST_TEST(unaccepted(splits, {"data.mixture"}).empty());
}

BOOST_AUTO_TEST_CASE(an_alternative_of_a_set_replaces_the_sources_own) {
  const ResolvedConfig config = resolve_text("[cache]\nsize = 4\n[evaluation.heldout]\ncache.share = 0.5");
  BOOST_TEST(config.evaluation_sources[0].plugins[1].values == json::parse(R"({"share":0.5})"));
  BOOST_TEST(config.find("data_source", "cache")->values == json::parse(R"({"size":4})"));
}

BOOST_AUTO_TEST_CASE(plain_overrides_need_a_key_that_exists_or_is_declared) {
  const std::string text = "[evaluation.heldout]\nevery = \"1step\"";
  BOOST_TEST(with_override(text, "evaluation.heldout.every=7step").run.evaluations[0].every.text == "7step");
  BOOST_TEST(with_override(text, "evaluation.heldout.max_samples=9").run.evaluations[0].max_samples == 9U);
  BOOST_TEST(with_override(text, "gpt.width=64").find("model", "gpt")->values["width"] == 64);
  BOOST_TEST(with_override(text, "+evaluation.other.every=7step").run.evaluations.size() == 2U);
  BOOST_TEST(message_of([&] { with_override(text, "evaluation.heldotu.every=7step"); }) ==
             "override evaluation.heldotu.every=7step: there is no evaluation.heldotu to change; write +evaluation.heldotu.every=7step to add it");
  BOOST_TEST(message_of([&] { with_override(text, "model.fields.x=tokens"); }).find("write +model.fields.x=tokens to add it") != std::string::npos);
  BOOST_TEST(message_of([&] { with_override(text, "gtp.width=64"); }) == "override gtp.width=64: unknown key gtp; did you mean \"gpt\"?");
  BOOST_TEST(message_of([&] { with_override(text, "gpt.witdh=64"); }) == "override gpt.witdh=64: unknown key gpt.witdh; did you mean \"width\"?");
}

BOOST_AUTO_TEST_CASE(the_environment_needs_declared_keys_too) {
  ConfigTree tree = testing_tree("");
  tree.add_environment(std::vector<std::string>{"TRAINHOST__GPT__WIDTH=32"});
  BOOST_TEST(resolve(tree, testing_plugins(), {"a", false}).find("model", "gpt")->values["width"] == 32);
  tree.add_environment(std::vector<std::string>{"TRAINHOST__EVALUATION__X__EVERY=1step"});
  BOOST_TEST(message_of([&] {
               resolve(tree, testing_plugins(), {"a", false});
             }).starts_with("environment TRAINHOST__EVALUATION__X__EVERY: there is no evaluation.x to change"));
}

BOOST_AUTO_TEST_CASE(a_default_name_that_is_none_is_refused) {
  BOOST_TEST(message_of([] {
               resolve(testing_tree(""), testing_plugins(), {"my run", false});
             }).find("which is the name of the config file; set `name`") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(no_plugin_takes_the_name_of_a_key_of_the_host) {
  const json schema = json::object();
  const std::vector<PluginSchema> plugins{{"model", "fields", &schema, false}};
  BOOST_TEST(message_of([&] {
               resolve(testing_tree(""), plugins, {"a", false});
             }).starts_with("model/fields: the name is taken by the host's key model.fields"));
}

BOOST_AUTO_TEST_CASE(the_schema_covers_host_and_plugins) {
  const json schema = config_schema(testing_plugins());
  BOOST_TEST(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema");
  const json& top = schema["properties"];
  BOOST_TEST(top["seed"]["default"] == 1);
  BOOST_TEST(top["accum"]["properties"].contains("micro_batches"));
  BOOST_TEST(top["accumulation_schedule"]["properties"]["accum"] == top["accum"]);
  BOOST_TEST(!top.contains("plateau"));
  BOOST_TEST(top["evaluation"]["additionalProperties"]["properties"]["tokens"]["properties"].contains("files"));
  BOOST_TEST(!top["evaluation"]["additionalProperties"]["properties"]["tokens"].contains("required"));
  BOOST_TEST(top["optimizer"]["properties"]["groups"]["additionalProperties"]["properties"].contains("pattern"));
}

BOOST_AUTO_TEST_CASE(the_help_names_every_key_with_type_default_and_meaning) {
  const std::string help = host_keys_help();
  BOOST_TEST(help.find("\nseed (integer, default 1)\n    Start of every random stream of the run.\n") != std::string::npos);
  BOOST_TEST(help.find("\nmax (interval or list, default [])\n") != std::string::npos, help.substr(0, 1500));
  BOOST_TEST(help.find("\nevaluation.<name>.every (interval, default \"100step\")\n") != std::string::npos);
  BOOST_TEST(help.find("\noptimizer.groups.<name>.pattern (string)\n") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
