// The library behind a record: opened once and for good, its entry held against the metadata that was read before.
#pragma once
#include <trainhost/plugin.h>

#include "plugin/metadata.h"

namespace trainhost {

struct OpenedPlugin {
  const trainhost_entry* entry;
  const trainhost_descriptor* descriptor;  // of the record
};

/// Throws Error(kPlugin) naming the file and what does not fit. Runs the library's initialisers and its entry function.
OpenedPlugin open_plugin(const PluginRecord& record);

}  // namespace trainhost
