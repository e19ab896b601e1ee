// What `plugins check` asks, and of whom: the file's plugins with the settings that the user gives them.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "commands/command_line.h"
#include "conformance/conformance.h"

namespace trainhost {

/// One question to one plugin. Borrowed from conformance::questions(), which lives as long as the process.
struct Asked {
  const conformance::Question* question;
  size_t plugin_index;

  /// "kind/name", or the file's name where the question is about the file.
  std::string about(const conformance::Subject& subject) const;
};

/// The subject of the file's first plugin: its metadata, and what --config and the overrides say. Throws Error(kPlugin, kConfig).
conformance::Subject load_subject(const Request& request);

/// The subject with another plugin of its file meant, and with that plugin's settings.
conformance::Subject subject_of(const Request& request, const conformance::Subject& file, size_t plugin_index);

/// All questions that fit the file's plugins and `request.only`, in order. Throws Error(kConfig) when `only` fits none of them.
std::vector<Asked> questions_for(const Request& request, const conformance::Subject& file);

}  // namespace trainhost
