// A plugin file for tests: create hands out the instance whose address the config names, so that a test can be the plugin itself.
#include "borrowed_instance.h"

#include <cstdlib>
#include <string>

#define FAKE_RECORD(kind, name, stateful)                                                                                                        \
  R"({"abi":1,"min_host_minor":0,"kind":")" kind R"(","name":")" name R"(","version":"1.0.0","summary":"for tests","schema":{"type":"object"},)" \
  R"("torch_build":null,"needs":[],"schemes":[],"decorates":0,"stateful":)" stateful "}"
#define FAKE_PLUGIN(variable, kind, name, stateful)                                                                       \
  [[gnu::section(".trainhost.plugin"), gnu::used]] constexpr char variable##Record[] = FAKE_RECORD(kind, name, stateful); \
  constexpr trainhost_descriptor variable{                                                                                \
      sizeof(trainhost_descriptor), 0, {kind, sizeof kind - 1}, {name, sizeof name - 1}, {variable##Record, sizeof variable##Record - 1}};

namespace {

FAKE_PLUGIN(kSource, "data_source", "fake", "false")
FAKE_PLUGIN(kAccumulation, "accumulation_schedule", "fake", "true")
FAKE_PLUGIN(kRates, "lr_schedule", "fake", "true")
FAKE_PLUGIN(kRule, "stopping_rule", "fake", "true")
FAKE_PLUGIN(kOtherRule, "stopping_rule", "other", "true")
const trainhost_descriptor* const kDescriptors[] = {&kSource, &kAccumulation, &kRates, &kRule, &kOtherRule};

// config_json is {"instance":ADDRESS}.
trainhost_status create(const trainhost_host* host, const trainhost_descriptor*, trainhost_string config_json, trainhost_instance** out, trainhost_error*) {
  const std::string config(config_json.data, config_json.length);
  auto* borrowed = reinterpret_cast<trainhost::testing::BorrowedInstance*>(std::strtoull(config.c_str() + config.find(':') + 1, nullptr, 10));
  borrowed->host = host;
  *out = &borrowed->c;
  return TRAINHOST_OK;
}

const trainhost_entry kEntry{sizeof(trainhost_entry), TRAINHOST_ABI_MAJOR, 5, 0, kDescriptors, &create};

}  // namespace

extern "C" TRAINHOST_EXPORT const trainhost_entry* trainhost_plugin_entry_1(void) { return &kEntry; }
