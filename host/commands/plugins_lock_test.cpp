// What a lock holds, and what it refuses.
#include "commands/plugins_lock.h"

#include <boost/test/unit_test.hpp>

#include <nlohmann/json.hpp>

#include <unistd.h>

#include "base/files.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(plugins_lock_test)

namespace {

namespace fs = std::filesystem;

ChosenPlugin chosen(const std::string& kind, const std::string& name, const std::string& version, const std::string& sha256) {
  ChosenPlugin plugin;
  plugin.record.kind = kind;
  plugin.record.name = name;
  plugin.record.version = version;
  plugin.record.file = "/plugins/" + name + ".so";
  plugin.sha256 = sha256;
  return plugin;
}

const std::vector<ChosenPlugin> kChosen = {chosen("model", "mlp", "1.0", "aa"), chosen("lr_schedule", "cosine", "0.1", "bb")};

std::string refusal(const PluginsLock& lock, const std::vector<ChosenPlugin>& plugins = kChosen) {
  try {
    require_locked(lock, "jobs/plugins.lock", plugins, "trainhost plugins lock jobs/a.toml");
  } catch (const Error& error) {
    BOOST_TEST((error.code() == ExitCode::kPlugin));
    return error.what();
  }
  return "";
}

PluginsLock read_text(const std::string& text) {
  const fs::path file = fs::temp_directory_path() / format("trainhost-lock-{}", ::getpid());
  write_file_atomically(file, text);
  try {
    const PluginsLock lock = read_plugins_lock(file);
    fs::remove(file);
    return lock;
  } catch (...) {
    fs::remove(file);
    throw;
  }
}

std::string reading_error(const std::string& text) {
  try {
    read_text(text);
  } catch (const Error& error) {
    BOOST_TEST((error.code() == ExitCode::kPlugin));
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_CASE(its_text_is_sorted_with_one_plugin_a_line_and_is_json) {
  const std::string text = plugins_lock_text(with_chosen({}, kChosen));
  BOOST_TEST(text ==
             "{\n  \"v\": 1,\n  \"plugins\": {\n"
             "    \"lr_schedule/cosine\": {\"version\": \"0.1\", \"sha256\": \"bb\"},\n"
             "    \"model/mlp\": {\"version\": \"1.0\", \"sha256\": \"aa\"}\n  }\n}\n");
  BOOST_TEST(nlohmann::json::parse(text)["plugins"]["model/mlp"]["sha256"] == "aa");
  BOOST_TEST(read_text(text).at("lr_schedule/cosine").sha256 == "bb");
  BOOST_TEST(read_text(plugins_lock_text({})).empty());
}

BOOST_AUTO_TEST_CASE(plugins_as_they_were_locked_pass_though_others_are_locked_too) {
  PluginsLock lock = with_chosen({}, kChosen);
  lock["observer/old"] = {"9", "cc"};
  BOOST_TEST(refusal(lock) == "");
}

BOOST_AUTO_TEST_CASE(locking_again_renews_the_chosen_and_keeps_the_others) {
  PluginsLock lock = {{"model/mlp", {"0.9", "old"}}, {"observer/old", {"9", "cc"}}};
  lock = with_chosen(lock, kChosen);
  BOOST_TEST(lock.size() == 3U);
  BOOST_TEST(lock["model/mlp"].sha256 == "aa");
  BOOST_TEST(lock["observer/old"].sha256 == "cc");
}

BOOST_AUTO_TEST_CASE(each_difference_is_named_with_file_wanted_got_and_the_command) {
  PluginsLock lock = with_chosen({}, kChosen);
  lock["model/mlp"].sha256 = "ee";
  lock.erase("lr_schedule/cosine");
  BOOST_TEST(refusal(lock) ==
             "jobs/plugins.lock: model/mlp: /plugins/mlp.so has sha256 aa, the lock wants ee\n"
             "jobs/plugins.lock: lr_schedule/cosine: /plugins/cosine.so is not in the lock\n"
             "if these files are meant, renew the lock with `trainhost plugins lock jobs/a.toml`");
  lock = with_chosen({}, kChosen);
  lock["model/mlp"].version = "1.1";
  BOOST_TEST(refusal(lock).starts_with("jobs/plugins.lock: model/mlp: /plugins/mlp.so has version \"1.0\", the lock wants \"1.1\"\n"));
}

BOOST_AUTO_TEST_CASE(what_is_no_lock_is_refused_with_its_name) {
  for (const char* text : {"", "[]", "{\"v\": 1}", "{\"v\": 1, \"plugins\": {\"a/b\": {\"version\": \"1\"}}}", "{\"v\": 1, \"plugins\": {\"a/b\": 3}}"})
    BOOST_TEST(reading_error(text).find(": is no lock of plugins: ") != std::string::npos);
  BOOST_TEST(reading_error("{\"v\": 2, \"plugins\": {}}").find("is a lock of version 2, this program reads version 1; update trainhost") != std::string::npos);
  BOOST_CHECK_EXCEPTION(read_plugins_lock("/no/such.lock"), Error,
                        [](const Error& error) { return std::string(error.what()).starts_with("/no/such.lock: cannot be read"); });
}

BOOST_AUTO_TEST_CASE(it_stands_beside_the_config_unless_a_key_says_otherwise) {
  ConfigTree tree;
  BOOST_TEST(plugins_lock_place(tree, "jobs/a.toml").value() == "jobs/plugins.lock");
  BOOST_TEST(plugins_lock_place(tree, "a.toml").value() == "plugins.lock");
  BOOST_TEST(!plugins_lock_place(tree, std::nullopt).has_value());
  tree.set({"plugins_lock"}, "/locks/x.lock", {});
  BOOST_TEST(plugins_lock_place(tree, "jobs/a.toml").value() == "/locks/x.lock");
  BOOST_TEST(plugins_lock_place(tree, std::nullopt).value() == "/locks/x.lock");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
