// The one function that libtrainhost_engine.so exports.
#include <memory>

#include "engine/torch_engine.h"

/// Throws what open_engine() says. The caller owns the result. Both sides come out of one build, so a C++ exception may pass.
extern "C" __attribute__((visibility("default"))) trainhost::Engine* trainhost_make_engine(const trainhost::EngineOptions* options) {
  return std::make_unique<trainhost::TorchEngine>(*options, trainhost::make_device(options->device)).release();
}
