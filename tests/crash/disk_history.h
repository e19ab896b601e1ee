// What a program did to the files below one folder, call by call, and the trees that may be left of it when the power goes at any moment.
//
// POSIX promises of a write only what a later fsync of that file covers, and of a name only what a later fsync of its folder covers. All else may be there or
// not, in part and in any order; a file system promises more, and each one something else.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "traced.h"

namespace crash {

/// What becomes of that which no fsync covers.
enum class Loss {
  kNothing,    // a kill
  kEverything,
  kBytes,      // names are there, and files are empty
  kZeroed,     // names and sizes are there, and bytes are zero
  kNames,      // bytes are there, and names are not
  kTail,       // the first few changes are there, and the last of them in part
  kScattered,  // any of the changes are there
};

/// Which calls of the program count; the others do nothing, so that a test can show that it would notice their absence.
struct Honoured {
  bool file_syncs = true, folder_syncs = true;
};

class DiskHistory {
 public:
  /// What lies in the folder now is safe.
  explicit DiskHistory(std::filesystem::path folder);

  /// Hooks for run_traced(). Several programs may come one after the other.
  Watch watch();
  void begin_program() { descriptors_.clear(); }

  /// How many things happened; the power may go after any number of them.
  size_t size() const { return events_.size(); }
  /// All that was said before that.
  std::string words(size_t at) const;

  /// Makes in `target`, which must be empty, a tree that the power cut may leave.
  void build(size_t at, Loss loss, uint64_t seed, const std::filesystem::path& target, Honoured honoured = {}) const;

 private:
  enum class Kind { kWrite, kResize, kAdd, kRemove, kSyncFile, kSyncFolder, kSay };
  static constexpr int kFolder = -1;
  struct Event {
    Kind kind;
    int file = kFolder;
    std::string path = {};   // of a name, or of a folder that is synced; below the folder of the history
    std::string bytes = {};  // written or said
    uint64_t offset = 0;     // of a write; the size of a resize
    size_t num_covered = 0;  // by a sync: the events before its call
  };
  struct Tree {
    std::map<std::string, int> names;  // path -> file or kFolder
    std::vector<std::string> files;
  };

  void before(const FileCall& call);
  void after(const FileCall& call);
  void opened(const FileCall& call);
  void changed(const FileCall& call);
  void add(const std::string& path, int file);
  int file_of(const FileCall& call) const;
  std::string inner(const std::string& path) const;
  std::vector<bool> find_safe(size_t at, Honoured honoured) const;
  std::vector<Event> choose(size_t at, Loss loss, uint64_t seed, Honoured honoured) const;
  static void apply(const Event& event, Tree& tree);

  std::filesystem::path folder_;
  Tree first_, now_;
  std::vector<Event> events_;
  std::map<int, int> descriptors_;  // of the program -> file
  std::map<pid_t, std::string> writing_;
  std::map<pid_t, size_t> syncing_;  // how many events there were when the call began
};

}  // namespace crash
