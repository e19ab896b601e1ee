// Who else could change a plugin file: whoever may write to it decides what code runs here.
#pragma once
#include <filesystem>
#include <string>

#include <sys/types.h>

namespace trainhost {

/// Users whose files may be loaded, root aside: who runs the program, and whoever owns it, since all of it is theirs already.
struct TrustedOwners {
  uid_t user = 0, program_owner = 0;
};
TrustedOwners trusted_owners();

/// Why the folder must not be searched for plugin files: everybody may write to it, or to a folder above it that is not sticky (as /tmp is), or it belongs
/// to another user. Empty: nothing is wrong. Symbolic links must be resolved.
std::string distrust_folder(const std::filesystem::path& folder, const TrustedOwners& owners = trusted_owners());

/// The same of a plugin file and the folders that it lies in.
std::string distrust_file(const std::filesystem::path& file, const TrustedOwners& owners = trusted_owners());

}  // namespace trainhost
