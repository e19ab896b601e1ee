// Whether a plugin may be loaded by a host: one condition after another, each with its facts and its complaint.
#pragma once
#include <string>
#include <vector>

#include "plugin/metadata.h"

namespace trainhost {

/// One thing that must hold before a plugin may be loaded.
struct Condition {
  std::string name;       // "ABI minor"
  std::string facts;      // what the plugin needs and what this host has
  std::string complaint;  // empty when it holds; else the whole message, with the remedy
};

/// In the order in which they are asked; those that an unmet one makes meaningless are left out. check_compatible() throws the first complaint.
std::vector<Condition> conditions(const PluginRecord& record, const HostAbi& host);

}  // namespace trainhost
