// Making and removing temporary folders.
#include "commands/temporary_folder.h"

#include "commands/run_process.h"

namespace trainhost {

void remove_empty_folders(std::filesystem::path folder, const std::filesystem::path& existing) {
  for (; folder != existing && folder.has_relative_path(); folder = folder.parent_path()) {
    std::error_code error;
    std::filesystem::remove(folder, error);
    if (error) return;
  }
}

std::filesystem::path nearest_existing(std::filesystem::path folder) {
  while (!std::filesystem::exists(folder) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

TemporaryFolder::TemporaryFolder(const std::filesystem::path& parent, const std::string& prefix)
    : path_(std::filesystem::absolute(parent) / format("{}-{}", prefix, new_run_id())), existing_(nearest_existing(path_)) {
  make_writable_folder(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  remove_empty_folders(path_.parent_path(), existing_);
}

}  // namespace trainhost
