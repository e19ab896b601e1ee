// kill_at FOLDER before|after NUMBER COMMAND...: runs the command and kills it at that system call below the folder; 0 kills nothing.
// After NUMBER only calls that change something count. The last line on stderr tells how many calls there were.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "places.h"

int main(int argc, char** argv) try {
  if (argc < 5) throw std::runtime_error("usage: kill_at FOLDER before|after NUMBER COMMAND...");
  crash::Watch watch{argv[1]};
  watch.is_output_kept = false;
  const crash::KillAt kill({std::strtoull(argv[3], nullptr, 10), std::string_view(argv[2]) == "after"}, watch);
  const crash::Ending ending = crash::run_traced({argv + 4, argv + argc}, watch);
  std::fprintf(stderr, "kill_at: %llu calls\n", static_cast<unsigned long long>(kill.num_calls()));
  return ending.exit_code;
} catch (const std::exception& error) {
  std::fprintf(stderr, "kill_at: %s\n", error.what());
  return 2;
}
