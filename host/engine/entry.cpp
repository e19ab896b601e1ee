// What libtrainhost_engine.so exports: which build it is of, and the engine.
#include <memory>

#include "engine/torch_engine.h"

/// Compared by the door before it asks for more.
extern "C" __attribute__((visibility("default"))) const char* trainhost_engine_build() { return TRAINHOST_ENGINE_BUILD; }

/// Throws what open_engine() says. The caller owns the result. Both sides come out of one build, so a C++ exception may pass.
extern "C" __attribute__((visibility("default"))) trainhost::Engine* trainhost_make_engine(const trainhost::EngineOptions* options) {
  return std::make_unique<trainhost::TorchEngine>(*options, trainhost::make_device(options->device)).release();
}

/// What takes time before the first engine: on any thread, without a trace but a device that is ready.
extern "C" __attribute__((visibility("default"))) void trainhost_warm_up(const trainhost::EngineOptions* options) { trainhost::make_device(options->device)->warm_up(); }
