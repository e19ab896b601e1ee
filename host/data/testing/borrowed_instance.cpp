// A plugin file for tests: create hands out the instance whose address the config names, so that a test can be the source itself.
#include "borrowed_instance.h"

#include <cstdlib>
#include <string>

namespace {

[[gnu::section(".trainhost.plugin"), gnu::used]] constexpr char kRecord[] =
    R"({"abi":1,"min_host_minor":0,"kind":"data_source","name":"fake","version":"1.0.0","summary":"for tests","schema":{"type":"object"},)"
    R"("torch_build":null,"needs":[],"schemes":[],"decorates":0,"stateful":false})";

constexpr trainhost_descriptor kDescriptor{sizeof(trainhost_descriptor), 0, {"data_source", 11}, {"fake", 4}, {kRecord, sizeof kRecord - 1}};
const trainhost_descriptor* const kDescriptors[] = {&kDescriptor};

// config_json is {"instance":ADDRESS}.
trainhost_status create(const trainhost_host* host, const trainhost_descriptor*, trainhost_string config_json, trainhost_instance** out, trainhost_error*) {
  const std::string config(config_json.data, config_json.length);
  auto* borrowed = reinterpret_cast<trainhost::testing::BorrowedInstance*>(std::strtoull(config.c_str() + config.find(':') + 1, nullptr, 10));
  borrowed->host = host;
  *out = &borrowed->c;
  return TRAINHOST_OK;
}

const trainhost_entry kEntry{sizeof(trainhost_entry), TRAINHOST_ABI_MAJOR, 1, 0, kDescriptors, &create};

}  // namespace

extern "C" TRAINHOST_EXPORT const trainhost_entry* trainhost_plugin_entry_1(void) { return &kEntry; }
