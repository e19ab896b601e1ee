// From records to a yes or a no with a remedy, one condition after another.
#include "plugin/compatibility.h"

#include <algorithm>

#include "plugin/kind.h"
#include "plugin/split.h"

namespace trainhost {
namespace {

// "cuda=12.8, this host has cuda=13.0": the first part of the build strings that is not the same.
std::string first_difference(const std::string& plugin, const std::string& host) {
  const auto theirs = split(plugin, ';'), ours = split(host, ';');
  for (size_t i = 0; i < std::min(theirs.size(), ours.size()); ++i)
    if (theirs[i] != ours[i]) return format("{}{}, this host has {}", i == 0 ? "torch " : "", theirs[i], ours[i]);
  return format("\"{}\", this host has \"{}\"", plugin, host);
}

Condition major_condition(const PluginRecord& record, const HostAbi& host) {
  Condition condition{"ABI major", format("needs {}, this host has {}", record.abi, host.major), ""};
  if (record.abi != host.major)
    condition.complaint = format("{}: {} speaks ABI {}, this host speaks ABI {}; {}", record.file.string(), record.full_name(), record.abi, host.major,
                                 record.abi > host.major ? "update trainhost" : "build the plugin again with this host's SDK");
  return condition;
}

Condition minor_condition(const PluginRecord& record, const HostAbi& host) {
  Condition condition{"ABI minor", format("needs {}.{} or newer, this host has {}.{}", record.abi, record.min_host_minor, host.major, host.minor), ""};
  if (record.min_host_minor > host.minor)
    condition.complaint = format("{}: needs host ABI {}.{}, this host has {}.{}; update trainhost or rebuild the plugin with TRAINHOST_TARGET_MINOR={}",
                                 record.file.string(), host.major, record.min_host_minor, host.major, host.minor, host.minor);
  return condition;
}

Condition kind_condition(const PluginRecord& record) {
  Condition condition{"kind", format("{}, which this host has", record.kind), ""};
  try {
    require_kind(record.kind);
  } catch (const Error& error) {
    condition.complaint = format("{}: {} is of a kind that this host has not (update trainhost or correct the plugin): {}", record.file.string(),
                                 record.full_name(), error.what());
  }
  return condition;
}

std::string torch_complaint(const PluginRecord& record, const HostAbi& host) {
  const std::string place = format("{}: {}", record.file.string(), record.full_name());
  if (!record.torch_build) {
    if (!require_kind(record.kind).needs_torch) return "";
    return format("{} is of a kind that links LibTorch, but states no torch_build; build it with trainhost_add_plugin(... TORCH), and configure again if TRAINHOST_PLUGIN "
                  "has moved to another file",
                  place);
  }
  if (*record.torch_build == host.torch_build) return "";
  if (host.torch_build == "none")
    return format("{} needs torch {}, this host is built without LibTorch; use a host built with TRAINHOST_TORCH=ON", place, *record.torch_build);
  return format("{} is built for another LibTorch: {}; build the plugin again against this host's SDK and LibTorch", place,
                first_difference(*record.torch_build, host.torch_build));
}

Condition torch_condition(const PluginRecord& record, const HostAbi& host) {
  return {"LibTorch", format("needs {}, this host has {}", record.torch_build.value_or("none (T0)"), host.torch_build), torch_complaint(record, host)};
}

}  // namespace

std::vector<Condition> conditions(const PluginRecord& record, const HostAbi& host) {
  std::vector<Condition> asked{major_condition(record, host)};
  if (!asked.back().complaint.empty()) return asked;  // of another major nothing else is known
  asked.push_back(minor_condition(record, host));
  asked.push_back(kind_condition(record));
  if (asked.back().complaint.empty()) asked.push_back(torch_condition(record, host));
  return asked;
}

void check_compatible(const PluginRecord& record, const HostAbi& host) {
  for (const Condition& condition : conditions(record, host))
    if (!condition.complaint.empty()) throw Error(ExitCode::kPlugin, condition.complaint);
}

}  // namespace trainhost
