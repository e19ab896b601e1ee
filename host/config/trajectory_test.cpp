// What is part of the numbers of a run, its hash, and differences.
#include "config/trajectory.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "config/config_testing.h"
#include "config/plugins_testing.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(trajectory_test)

namespace {

namespace data = boost::unit_test::data;
using nlohmann::json;

const std::string kBase = "max = \"600step\"\nseed = 1\n[gpt]\nwidth = 64\n";

json trajectory_of(const std::string& text, const std::vector<std::string>& overrides = {}, std::vector<PluginSchema> plugins = testing_plugins()) {
  ConfigTree tree = testing_tree(text);
  for (const std::string& override : overrides) tree.apply_override(override);
  const ResolvedConfig config = resolve(tree, plugins, {"a", false});
  return trajectory(config, schedule_length(config));
}

std::vector<PluginSchema> with_cosine() {
  std::vector<PluginSchema> plugins = testing_plugins();
  for (PluginSchema& plugin : plugins)
    if (plugin.kind == "lr_schedule") plugin.is_chosen = plugin.name == "cosine";
  return plugins;
}

std::string length_of(const std::string& text, const std::optional<Interval>& stored = std::nullopt) {
  const auto length = schedule_length(resolve(testing_tree(text), with_cosine(), {"a", false}), stored);
  return length ? length->text : "none";
}

}  // namespace

const char* const kSame[] = {
    "+name=other",
    "max=[\"600step\", \"2h\"]",
    "+price_per_hour=3",
    "+device=cpu",
    "max_skips=3",
    "require_smoke=true",
    "data.threads=7",
    "data.prefetch=9",
    "checkpoint.every=1step",
    "checkpoint.uri=s3://x/y",
    "telemetry.every=3step",
    "execution.threads=3",
    "execution.cuda_graph=off",
    "sample.length=3",
    "textfiles.root=elsewhere",
    "cache.size=9",
    "csvlog.file=x",
    "stopping_rule.plateau.patience=2",
    "+evaluation.heldout.every=1step",
    "+adamw.learning_rate=7",
    "accum.micro_batches=1",
    "plugins=[\"x\"]",
};

BOOST_DATA_TEST_CASE(keys_that_change_no_number_leave_the_hash, data::make(kSame), override) {
  BOOST_TEST(trajectory_hash(trajectory_of(kBase, {override})) == trajectory_hash(trajectory_of(kBase)));
}

struct ChangeCase {
  const char *override, *difference;
  friend std::ostream& operator<<(std::ostream& out, const ChangeCase& c) { return out << c.override; }
};
const ChangeCase kChanged[] = {
    {"seed=2", "  seed: 1 in the checkpoint, 2 now"},
    {"clip_norm=1", "  clip_norm: 0.0 in the checkpoint, 1.0 now"},
    {"data.shuffle=false", "  data.shuffle: true in the checkpoint, false now"},
    {"data.shuffle_blocks=3", "  data.shuffle_blocks: 16 in the checkpoint, 3 now"},
    {"+model.fields.x=tokens", "  model.fields.x: absent in the checkpoint, \"tokens\" now"},
    {"+optimizer.groups.norms.pattern=*norm*", "  optimizer.groups.norms.pattern: absent in the checkpoint, \"*norm*\" now"},
    {"gpt.width=32", "  gpt.width: 64 in the checkpoint, 32 now"},
    {"gpt.dropout=1", "  gpt.dropout: 0.0 in the checkpoint, 1.0 now"},
    {"textfiles.split=train", "  textfiles.split: \"all\" in the checkpoint, \"train\" now"},
    {"accum.micro_batches=2", "  accum.micro_batches: 1 in the checkpoint, 2 now"},
    {"accum.target_samples=8", "  accum.micro_batches: 1 in the checkpoint, absent now\n  accum.target_samples: absent in the checkpoint, 8 now"},
    {"max=700step", "  schedule_length: \"600step\" in the checkpoint, \"700step\" now"},
};

BOOST_DATA_TEST_CASE(keys_that_change_numbers_change_the_hash_and_are_named, data::make(kChanged), sample) {
  std::string override = sample.override;
  if (override.starts_with("+optimizer")) override = "+optimizer.groups.norms={pattern = \"*norm*\"}";
  const json before = trajectory_of(kBase), after = trajectory_of(kBase, {override});
  BOOST_TEST(trajectory_hash(before) != trajectory_hash(after));
  const std::string text = differences_text(trajectory_differences(before, after));
  BOOST_TEST(text.starts_with(sample.difference), text);
}

BOOST_AUTO_TEST_CASE(another_plugin_is_two_differences) {
  const auto differences = trajectory_differences(trajectory_of(kBase), trajectory_of(kBase, {}, with_cosine()));
  BOOST_TEST(differences_text(differences) == "  cosine: absent in the checkpoint, chosen now\n  plateau: chosen in the checkpoint, absent now");
}

BOOST_AUTO_TEST_CASE(a_trajectory_read_from_a_checkpoint_has_no_differences) {
  const json before = json::parse(trajectory_of(kBase).dump());
  BOOST_TEST(trajectory_differences(before, trajectory_of(kBase)).empty());
}

BOOST_AUTO_TEST_CASE(the_same_values_written_otherwise_have_the_same_hash) {
  BOOST_TEST(trajectory_hash(trajectory_of(kBase + "dropout = 0\n")) == trajectory_hash(trajectory_of(kBase + "dropout = 0.0\n")));
  BOOST_TEST(trajectory_hash(trajectory_of(kBase)) == trajectory_hash(trajectory_of("max = \"600step\"\nmodel.gpt.width = 64.0\n")));
}

BOOST_AUTO_TEST_CASE(differences_are_accepted_by_key_plugin_or_table) {
  const auto differences = trajectory_differences(trajectory_of(kBase), trajectory_of(kBase, {"seed=2", "gpt.width=32", "data.shuffle=false"}));
  BOOST_REQUIRE_EQUAL(differences.size(), 3U);
  BOOST_TEST(unaccepted(differences, {}).size() == 3U);
  BOOST_TEST(unaccepted(differences, {"seed"}).size() == 2U);
  BOOST_TEST(unaccepted(differences, {"seed", "gpt.width", "data.shuffle"}).empty());
  BOOST_TEST(unaccepted(differences, {"gpt"}).size() == 2U);
  BOOST_TEST(unaccepted(differences, {"model/gpt", "data"}).size() == 1U);
  BOOST_TEST(unaccepted(differences, {"see", "widt", "gp"}).size() == 3U);
}

BOOST_AUTO_TEST_CASE(stating_the_length_that_a_schedule_has_anyway_changes_nothing) {
  const auto with = [](const std::vector<std::string>& overrides) { return trajectory_of(kBase, overrides, with_cosine()); };
  BOOST_TEST(trajectory_differences(with({}), with({"+cosine.length=600step"})).empty());
  BOOST_TEST(trajectory_differences(with({}), with({"+cosine.length=600step", "max=900step"})).empty());
  BOOST_TEST(trajectory_hash(with({})) == trajectory_hash(with({"+cosine.length=600step"})));
  BOOST_TEST(differences_text(trajectory_differences(with({}), with({"+cosine.length=900step"}))) ==
             "  schedule_length: \"600step\" in the checkpoint, \"900step\" now");
  BOOST_TEST(differences_text(trajectory_differences(with({}), with({"+cosine.length=80%"}))) == "  cosine.length: absent in the checkpoint, \"80%\" now");
}

BOOST_AUTO_TEST_CASE(the_schedules_length_is_its_own_then_the_stored_then_the_runs) {
  const Interval stored = parse_interval("600step", "");
  BOOST_TEST(length_of("max = [\"2h\", \"700step\"]") == "700step");
  BOOST_TEST(length_of("max = [\"2h\", \"700step\"]", stored) == "600step");
  BOOST_TEST(length_of("max = \"700step\"\ncosine.length = \"50step\"", stored) == "50step");
  BOOST_TEST(length_of("max = \"700step\"\ncosine.length = \"80%\"", stored) == "600step");
  BOOST_TEST(length_of("max = \"2h\"") == "none");
  BOOST_TEST(message_of([] { length_of("cosine.length = \"4usd\""); }).starts_with("a.toml:1:8: cosine.length: \"4usd\": the run cannot measure money"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
