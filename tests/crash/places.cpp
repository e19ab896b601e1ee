// Folders, the writer's lines, and kills.
#include "places.h"

#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "process.h"

namespace crash {

namespace fs = std::filesystem;

Scratch::Scratch() {
  const fs::path memory = "/dev/shm";
  const fs::path base = ::access(memory.c_str(), W_OK) == 0 ? memory : fs::canonical(fs::temp_directory_path());
  std::string name = (base / "trainhost-crash-XXXXXX").string();
  check(::mkdtemp(name.data()) != nullptr, "mkdtemp");
  path_ = name;
}

Scratch::~Scratch() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::vector<std::string> writer(const fs::path& folder, const Verbs& verbs) {
  std::vector<std::string> command{CRASH_WRITER, folder.string()};
  command.insert(command.end(), verbs.begin(), verbs.end());
  return command;
}

std::vector<Said> parse(const std::string& output) {
  std::vector<Said> all;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    Said said;
    std::istringstream words(line);
    std::string of, attempt;
    words >> said.verb >> said.step >> of >> attempt >> said.attempt;
    if (line.size() > said.verb.size()) said.rest = line.substr(said.verb.size() + 1);
    all.push_back(std::move(said));
  }
  return all;
}

uint64_t newest_step(const std::string& output) {
  uint64_t step = 0;
  for (const Said& said : parse(output))
    if (said.verb == "restored" || said.verb == "saved") step = said.step;
  return step;
}

std::string litter(const fs::path& folder) {
  std::string found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name.starts_with('~') || (name.starts_with("step-") && !fs::exists(entry.path() / "commit"))) found += entry.path().lexically_relative(folder).string() + "\n";
  }
  return found;
}

KillAt::KillAt(KillPoint point, Watch& watch) : point_(point) {
  watch.before = [this, others = watch.before](const FileCall& call) {
    if (others) others(call);
    if (point_.is_after && !call.is_change) return kGoOn;
    if (++num_calls_ != point_.at) return kGoOn;
    thread_ = call.thread;
    return point_.is_after ? kGoOn : fire();
  };
  watch.after = [this, others = watch.after](const FileCall& call) {
    if (others) others(call);
    return point_.is_after && num_calls_ >= point_.at && call.thread == thread_ && !has_happened_ ? fire() : kGoOn;
  };
}

int KillAt::fire() {
  has_happened_ = true;
  return kKill;
}

}  // namespace crash
