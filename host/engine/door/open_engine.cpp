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

}  // namespace

std::unique_ptr<Engine> open_engine(const EngineOptions& options) {
  const std::filesystem::path path = find_library();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw Error(ExitCode::kFailure, format("{}: cannot be loaded: {}; run scripts/setup again if LibTorch has moved", path.native(), dlerror()));
  using MakeEngine = Engine* (*)(const EngineOptions*);
  const auto make = reinterpret_cast<MakeEngine>(dlsym(library, "trainhost_make_engine"));
  if (!make) throw Error(ExitCode::kFailure, format("{}: exports no trainhost_make_engine; it is not from this build, install the whole tree again", path.native()));
  return std::unique_ptr<Engine>(make(&options));
}

}  // namespace trainhost
