// Opens the questions of kinds that need LibTorch; the only part of them that is linked into the program.
#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>

#include "conformance/conformance.h"
#include "conformance/torch/questions.h"
#include "trainhost/format.hpp"

namespace trainhost::conformance {
namespace {

constexpr const char* kLibrary = "libtrainhost_conformance_torch.so";

std::filesystem::path find_library() {
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (const char* place : {".", "../lib", "../lib/trainhost"}) {
    const std::filesystem::path candidate = (folder / place / kLibrary).lexically_normal();
    if (std::filesystem::exists(candidate)) return candidate;
  }
  throw std::runtime_error(
      format("{}: not found in {}, ../lib or ../lib/trainhost beside it; the check of a plugin that links LibTorch needs it: build with "
             "-DTRAINHOST_TORCH=ON, or install the whole tree",
             kLibrary, folder.native()));
}

}  // namespace

const std::vector<Question>& torch_questions() {
  const std::filesystem::path path = find_library();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw std::runtime_error(format("{}: cannot be loaded: {}; run scripts/setup again if LibTorch has moved", path.native(), dlerror()));
  const auto list = reinterpret_cast<TorchQuestions*>(dlsym(library, kTorchQuestionsSymbol));
  if (!list)
    throw std::runtime_error(format("{}: exports no {}; it is not from this build, install the whole tree again", path.native(), kTorchQuestionsSymbol));
  return *list();
}

}  // namespace trainhost::conformance
