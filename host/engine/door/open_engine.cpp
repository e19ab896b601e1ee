// Opens the engine's library when a command needs it; the only part of the engine that is linked into the program.
#include <dlfcn.h>
#include <unistd.h>

#include <climits>
#include <filesystem>

#include "engine/engine.h"

namespace trainhost {
namespace {

constexpr const char* kLibrary = "libtrainhost_engine.so";

std::filesystem::path program_folder() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return std::filesystem::path(std::string(path, length > 0 ? static_cast<size_t>(length) : 0)).parent_path();
}

std::filesystem::path find_library() {
  const std::filesystem::path folder = program_folder();
  for (const char* place : {".", "../lib", "../lib/trainhost"}) {
    const std::filesystem::path candidate = (folder / place / kLibrary).lexically_normal();
    if (std::filesystem::exists(candidate)) return candidate;
  }
  throw Error(ExitCode::kFailure, format("{}: not found in {}, ../lib or ../lib/trainhost beside it; training needs it: build with -DTRAINHOST_TORCH=ON, or "
                                         "install the whole tree",
                                         kLibrary, folder.native()));
}

template <class Function>
Function* find_function(void* library, const char* name, const std::filesystem::path& path) {
  if (void* found = dlsym(library, name)) return reinterpret_cast<Function*>(found);
  throw Error(ExitCode::kFailure, format("{}: exports no {}; it is no engine of this build, install the whole tree again", path.native(), name));
}

// Objects cross this door, so both sides must have been compiled from the same headers by the same compiler.
void require_same_build(const std::string& build, const std::filesystem::path& path) {
  if (build == TRAINHOST_ENGINE_BUILD) return;
  throw Error(ExitCode::kFailure, format("{}: is of build {}, this program of build {}; install the whole tree again, program and libraries together",
                                         path.native(), build, TRAINHOST_ENGINE_BUILD));
}

/// The library and where it is from.
std::pair<void*, std::filesystem::path> open_library() {
  const std::filesystem::path path = find_library();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw Error(ExitCode::kFailure, format("{}: cannot be loaded: {}; run scripts/setup again if LibTorch has moved", path.native(), dlerror()));
  require_same_build(find_function<const char*()>(library, "trainhost_engine_build", path)(), path);
  return {library, path};
}

}  // namespace

std::future<void> warm_engine_up(const EngineOptions& options) {
  return std::async(std::launch::async, [options] {
    try {
      const auto [library, path] = open_library();
      find_function<void(const EngineOptions*)>(library, "trainhost_warm_up", path)(&options);
    } catch (const std::exception&) {  // open_engine() meets it again
    }
  });
}

std::unique_ptr<Engine> open_engine(const EngineOptions& options) {
  const auto [library, path] = open_library();
  return std::unique_ptr<Engine>(find_function<Engine*(const EngineOptions*)>(library, "trainhost_make_engine", path)(&options));
}

}  // namespace trainhost
