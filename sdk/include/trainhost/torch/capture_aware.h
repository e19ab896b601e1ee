// Optional beside any LibTorch interface: to be told when a CUDA graph is captured around calls into the plugin.
#pragma once

namespace trainhost::t2 {

// Interface "trainhost.torch.capture_aware/1": a pointer to CaptureAware.
class CaptureAware {
 public:
  static constexpr const char* kInterface = "trainhost.torch.capture_aware/1";
  virtual ~CaptureAware() = default;

  // Between the two, calls are recorded and replayed later: no allocation outside of the caching allocator, nothing that depends on host values.
  // capture_begin may throw PluginError with the reason why nothing can be recorded here: the run then goes on without, or ends where the config insists.
  virtual void capture_begin() = 0;
  virtual void capture_end() = 0;
};

}  // namespace trainhost::t2
