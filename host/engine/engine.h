// The door of the engine room: everything that needs LibTorch, behind an interface that does not. The implementation is libtrainhost_engine.so.
#pragma once
#include <cstdint>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <trainhost/precision_policy.h>

#include "base/batch.h"
#include "base/call_meter.h"
#include "base/error.h"
#include "base/tensor_view.h"

namespace trainhost {

/// The device ran out of memory inside a window; the loop abandons the window and retries in smaller pieces.
class OutOfMemory : public Error {
 public:
  explicit OutOfMemory(const std::string& message) : Error(ExitCode::kOutOfMemory, message) {}
};

/// The T2 objects behind the chosen plugins: what get_interface() gave for the ids of sdk/include/trainhost/torch. Borrowed; outlive the engine.
struct TorchPlugins {
  const void* model = nullptr;       // t2::Model
  const void* text_model = nullptr;  // t2::TextModel, may be null
  const void* optimizer = nullptr;   // t2::Optimizer; null = evaluation only
  const void* value_limits = nullptr;  // t2::ValueLimits, may be null
  std::vector<const void*> capture_aware = {};  // t2::CaptureAware of those plugins that offer it
  const void* recomputable = nullptr;  // t2::Recomputable of a model that is to compute its blocks again in the backward pass; else null
};

/// The op packs of a run.
struct OpPackSetup {
  struct Pack {
    std::string name;            // "op_pack/..."
    const void* pack = nullptr;  // t2::OpPack; outlives what register_op_packs() returns
    uint32_t account = 0;
  };
  std::vector<Pack> packs;
  std::vector<std::string> order;  // names, with or without "op_pack/": where two packs replace one kernel, the later one wins
  CallMeter* meter = nullptr;      // brackets the calls into packs; null: nobody asks
};

/// A kernel that an op pack replaces, as it declares it.
struct ReplacedKernel {
  std::string pack, op, overload, dispatch_key;  // "op_pack/fused", "aten::gelu", "", "CUDA"
  bool is_bit_exact = false;
};

/// Kernels of op packs at LibTorch's dispatcher, where they serve the whole process. The destructor takes them back, the last one first.
class RegisteredOps {
 public:
  virtual ~RegisteredOps() = default;
  /// "op_pack/fused: aten::gelu on CUDA", in the order of registration.
  virtual const std::vector<std::string>& descriptions() const = 0;
};

/// [optimizer.groups.<label>]: parameters whose name matches `pattern` (a glob: * and ?) form a group of their own.
struct GroupRule {
  std::string label, pattern;
  double rate_multiplier = 1;
  std::optional<double> weight_decay;  // absent: the optimizer's own
};

struct EngineOptions {
  std::string device = "auto";  // auto | cpu | cuda | cuda:N
  uint64_t seed = 0;
  int num_threads = 0;  // intra-op threads on CPU; 0: all cores
  std::string cuda_graph = "auto";  // auto: windows are recorded and replayed where that can be; on: or it is an error; off
};

struct EngineSetup {
  trainhost_precision_plan plan{};
  std::vector<FieldSpec> fields;  // in model order and under the model's names
  std::vector<GroupRule> groups;
  std::vector<std::string> freeze;  // globs: parameters that are not trained
  double clip_norm = 0;  // 0: no clipping
  bool values_follow = false;  // restore() or restore_weights() comes before the first window: the model need not draw its values
  uint64_t metric_ring = 64;  // rows kept on the device, > the lag of decisions
  CallMeter* meter = nullptr;  // brackets the calls into model and optimizer; null: nobody asks. Outlives the engine's use of the plugins
  uint32_t model_account = 0, optimizer_account = 0;
};

/// The values of one window, as read from the device. Exact, not smoothed.
struct WindowRow {
  uint64_t window = 0;   // 1 = first window of the run
  uint64_t step = 0;     // applied updates after this window
  bool is_applied = false;
  double loss_sum = 0, count = 0;        // over all micro-batches (and ranks); loss = loss_sum / count
  double gradient_norm = 0;              // of the mean gradient, before clipping
  double loss_scale = 1, learning_rate = 0;
  std::vector<double> metrics;           // sums in the order of metric_names()
  double seconds = std::numeric_limits<double>::quiet_NaN();  // of the device, since the end of the window before; NaN where something else ran in between
  // Of these: the device stood still since the host had no batch, and since a batch was still being copied. NaN: not measured.
  double late_batch_seconds = std::numeric_limits<double>::quiet_NaN(), copy_wait_seconds = std::numeric_limits<double>::quiet_NaN();
};

struct EvaluationResult {
  struct Metric { std::string name; double value = 0, standard_error = 0; };  // "loss" first; standard_error NaN with fewer than two batches
  std::vector<Metric> metrics;
  uint64_t targets = 0, samples = 0;
};

struct DeviceReport {
  std::string name;         // "NVIDIA H200", "Intel Xeon ..."
  std::string type;         // "cpu", "cuda"
  std::string torch_version, cuda_version;
  uint64_t memory_bytes = 0;
};

struct ModelReport {
  uint64_t num_parameters = 0, num_trainable = 0;
  uint64_t parameter_bytes = 0, optimizer_bytes = 0;
  std::vector<std::string> groups;  // "decay: 12 tensors, 802,816 parameters, weight decay 0.1"
  std::vector<ValueLimit> value_limits;  // what the model takes of its fields, under its own names
};

/// Everything that a resume needs, as named bytes: weights and buffers under their own names, "optimizer.<parameter>.<slot>", "engine.<name>" (generators,
/// scaler, counters).
struct EngineState {
  std::vector<TensorView> weights, optimizer, engine;
};

/// What a weight or a buffer is to hold. `value` may have another name and, of real numbers, another format.
struct InitialTensor {
  std::string name;  // of the model
  TensorView value;
  bool is_transposed = false;  // its two axes stand the other way round
};

/// The state of one moment on its way to host memory, while training goes on. The engine may go before it.
class StateCopy {
 public:
  virtual ~StateCopy() = default;
  /// Until the bytes are there. Throws what the copying met. [any]
  virtual void wait() = 0;
  /// The views live as long as this object; their bytes are right once wait() has returned.
  virtual const EngineState& state() const = 0;
  /// From the start to the last byte; 0 before that.
  virtual double seconds() const = 0;
};

/// One model in training on one device. Not thread-safe except where said; all calls from the [train] thread.
/// Device work is only enqueued unless a function says that it waits.
class Engine : public BatchDevice {
 public:
  // --- facts, before prepare() ---
  virtual trainhost_device_facts device_facts() const = 0;  // strings live as long as the engine
  virtual DeviceReport device() const = 0;

  /// Registers what the packs replace; before prepare(), so that the model is built and run with it. Nothing stays registered when it throws:
  /// Error(kPlugin) for an operator, overload, dispatch key or function that does not fit, Error(kConfig) for two claimants of one kernel that `order` does
  /// not settle, and for kernels that are not bit-exact under a strict plan.
  virtual std::unique_ptr<RegisteredOps> register_op_packs(const OpPackSetup& setup, const trainhost_precision_plan& plan) = 0;

  /// What the packs replace on this machine, without registering it. Throws Error(kPlugin) for what does not fit.
  virtual std::vector<ReplacedKernel> replaced_kernels(const OpPackSetup& setup) = 0;

  /// Builds model, parameter groups and optimizer under the plan. Throws Error(kConfig, kPlugin, kOutOfMemory).
  virtual void prepare(const EngineSetup& setup, const TorchPlugins& plugins) = 0;
  virtual ModelReport model_report() const = 0;
  /// The rate that a schedule's factors multiply, from the optimizer's own config. The loop fills the table with base * factor.
  virtual double base_learning_rate() const = 0;
  virtual std::vector<std::string> metric_names() const = 0;  // the model's own metrics of windows, without loss; known after the first one

  // --- a window: begin, accumulate once or more, then apply or abandon ---
  /// `max_targets`: upper bound of the targets in the window; fixes the power of two 2^k >= max_targets that keeps the sum exact to scale.
  virtual void begin_window(uint64_t window, uint64_t max_targets) = 0;
  /// The caller begins to wait for the next micro-batch: if the device stands still from here on until accumulate(), then for want of data. No host wait.
  virtual void expect_batch() = 0;
  /// Forward and backward of one micro-batch. Throws OutOfMemory; Error(kPlugin) when the model fails.
  virtual void accumulate(const DeviceBatch& batch) = 0;
  /// Reduce, gate, clip, update (skipped on the device when a value is not finite or nothing counted), write the window's row. No host wait.
  virtual void apply() = 0;
  /// Drops the window's gradients and puts RNG and buffers back to where begin_window found them.
  virtual void abandon_window() = 0;

  /// Rates for steps first_step, first_step + 1, ... (0 = the first applied update). The device indexes them by its own applied-step counter: before apply() they must cover the step of the last row handed out, and one more for each window since. No wait.
  virtual void set_learning_rates(uint64_t first_step, std::span<const double> rates) = 0;

  /// Rows of the windows <= `window` that were not handed out yet, oldest first. Waits only for these windows.
  virtual std::vector<WindowRow> rows_until(uint64_t window) = 0;

  // --- evaluation (no gradient, evaluation mode); leaves weights, buffers and RNG as they were ---
  virtual void begin_evaluation() = 0;
  virtual void evaluate(const DeviceBatch& batch) = 0;
  virtual EvaluationResult finish_evaluation() = 0;  // waits

  // --- text ---
  /// Continues `prompt` by `count` tokens; `on_token` sees each and ends the sampling with false. Throws Error(kConfig) when the model is no text model.
  virtual void sample(std::vector<int64_t> prompt, uint64_t count, double temperature, uint64_t top_k, uint64_t seed, const std::function<bool(int64_t)>& on_token) = 0;

  // --- state ---
  /// Names, formats and shapes of weights and buffers, in the order of the model; no data.
  virtual std::vector<TensorView> weight_layout() const = 0;
  /// Sets some of them, whose shapes fit. The optimizer stays as it is: before the first window.
  virtual void initialise(std::span<const InitialTensor> values) = 0;
  /// Waits. The views stay valid until the next call of begin_window() or snapshot().
  virtual EngineState snapshot() = 0;
  /// Begins to copy the state as it is now, on a stream or threads of its own; nothing waits but the next apply(), for the bytes that it changes.
  /// All copies go into one arena, so that the copy before must be gone. Throws Error(kOutOfMemory, kFailure).
  virtual std::unique_ptr<StateCopy> copy_state() = 0;
  /// Begins to make the arena, whose pages are locked, on a thread of its own; copy_state() waits for it. Nothing where there is one that is large enough.
  virtual void prepare_copies() = 0;
  /// Begins to make `memory`, `bytes` long, the arena, on a thread of its own. restore() from there waits for it and is at its fastest then; what it reads is gone
  /// with the first copy.
  virtual void adopt_for_copies(std::shared_ptr<std::byte> memory, size_t bytes) = 0;
  /// Names, shapes and dtypes must match exactly, else Error(kCheckpointUnreadable) that names the first difference; nothing is changed then.
  virtual void restore(std::span<const TensorView> weights, std::span<const TensorView> optimizer, std::span<const TensorView> engine) = 0;
  /// Weights and buffers only.
  virtual void restore_weights(std::span<const TensorView> weights) = 0;

  virtual uint64_t applied_steps() = 0;      // waits
  virtual uint64_t peak_memory_bytes() = 0;  // device memory (CUDA: allocator peak; CPU: peak resident set)
  virtual uint64_t num_host_waits() const = 0;  // how often this object waited for the device: 0 a window in the steady state
};

/// Loads the library and readies the device, on a thread of its own, so that open_engine() finds both done. What goes wrong open_engine() says.
std::future<void> warm_engine_up(const EngineOptions& options);

/// Opens libtrainhost_engine.so (beside the program, ../lib) and makes an engine. Throws Error(kFailure) naming the library and the reason; Error(kConfig) for a device that is not there.
std::unique_ptr<Engine> open_engine(const EngineOptions& options);

}  // namespace trainhost
