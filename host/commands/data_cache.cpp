// What plugins keep of data between runs: found by the interface that they offer, printed as they answer.
#include <algorithm>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>
#include <trainhost/draft/kept_data.h>

#include "base/log.h"
#include "base/nearest.h"
#include "commands/answer_text.h"
#include "commands/data_command.h"
#include "commands/job.h"
#include "config/schema.h"
#include "plugin/instance.h"
#include "plugin/text.h"

namespace trainhost {
namespace {

/// An instance that is never started, of a decorator that keeps data.
struct Keeper {
  std::unique_ptr<Instance> instance;
  trainhost_kept_data table;
};

// With the defaults of its schema; nothing where a key has none, or where it keeps nothing.
std::optional<Keeper> keeper_of(const PluginRecord& record) {
  const bool needs_upstream = std::find(record.needs.begin(), record.needs.end(), TRAINHOST_UPSTREAM) != record.needs.end();
  if (record.kind != "data_source" || record.decorates == 0 || needs_upstream || !record.schema->value("required", nlohmann::json::array()).empty()) return std::nullopt;
  Problems problems;
  const ConfigTree checked = check_table(*record.schema, ConfigTree(), "", problems);
  problems.raise();
  auto instance = Instance::create(record, checked.values().dump());
  if (!instance->interface(TRAINHOST_KEPT_DATA)) return std::nullopt;
  const auto table = instance->table<trainhost_kept_data>(TRAINHOST_KEPT_DATA);
  instance->require(TRAINHOST_KEPT_DATA, {{"list", table.list}, {"collect", table.collect}, {"verify", table.verify}});
  return Keeper{std::move(instance), table};
}

std::vector<Keeper> installed_keepers() {
  const PluginCatalog catalog = PluginCatalog::scan(plugin_search_path());
  std::vector<Keeper> keepers;
  for (const PluginRecord& record : catalog.records()) {
    try {
      if (auto keeper = keeper_of(record)) keepers.push_back(std::move(*keeper));
    } catch (const Error& failure) {  // another plugin's trouble must not hide what this one keeps
      log_warning("{}; what it keeps is not looked at", failure.what());
    }
  }
  if (keepers.empty()) throw Error(ExitCode::kConfig, "data cache: no installed plugin keeps data between runs; `trainhost plugins list` shows what is installed");
  return keepers;
}

trainhost_status append_answer(void* text, const void* bytes, uint64_t size, trainhost_error*) {
  static_cast<std::string*>(text)->append(static_cast<const char*>(bytes), size);
  return TRAINHOST_OK;
}

nlohmann::ordered_json ask_keeper(const Keeper& keeper, const std::string& verb, const Request& request) {
  const std::string folder = request.dir.value_or(""), cache = cache_folder().string(), limit = request.limit.value_or("");
  const trainhost_kept_request question{sizeof question, 0, borrow(std::string_view(folder)), borrow(std::string_view(cache)), borrow(std::string_view(limit))};
  const auto function = verb == "ls" ? keeper.table.list : verb == "gc" ? keeper.table.collect : keeper.table.verify;
  std::string text;
  const trainhost_writer answer{&text, append_answer};
  try {
    keeper.instance->call(verb.c_str(), [&](trainhost_error* error) { return function(keeper.instance->handle(), &question, &answer, error); });
  } catch (const PluginCallError& error) {
    const bool is_users = error.status() == TRAINHOST_INVALID_ARGUMENT || error.status() == TRAINHOST_NOT_FOUND;
    throw Error(is_users ? ExitCode::kConfig : ExitCode::kData, error.what());
  }
  const auto parsed = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!is_answer(parsed)) throw keeper.instance->broken_promise(verb.c_str(), "did not answer with facts and tables");
  return parsed;
}

}  // namespace

const std::vector<std::string>& data_cache_verbs() {
  static const std::vector<std::string> verbs{"ls", "gc", "verify"};
  return verbs;
}

ExitCode data_cache(const Request& request) {
  const auto& verbs = data_cache_verbs();
  const std::string verb = request.words.size() > 1 ? request.words[1] : "";
  if (request.words.size() != 2 || std::find(verbs.begin(), verbs.end(), verb) == verbs.end())
    throw Error(ExitCode::kConfig, format("command line: data cache takes ls, gc or verify, got \"{}\"{}; see `trainhost data --help`", verb, did_you_mean(verb, verbs)));
  if (request.limit && verb != "gc") throw Error(ExitCode::kConfig, format("command line: --limit belongs to data cache gc, not to {}", verb));
  nlohmann::ordered_json answers = nlohmann::ordered_json::object();
  bool is_damaged = false;
  for (const Keeper& keeper : installed_keepers()) {
    const auto answer = ask_keeper(keeper, verb, request);
    is_damaged |= answer.value("damaged", 0.0) > 0;
    if (!request.is_json) {
      std::cout << (answers.empty() ? "" : "\n") << keeper.instance->full_name() << "\n";
      print_answer(std::cout, answer);
    }
    answers[keeper.instance->full_name()] = answer;
  }
  if (request.is_json) std::cout << answers.dump() << "\n";
  return is_damaged ? ExitCode::kData : ExitCode::kDone;
}

}  // namespace trainhost
