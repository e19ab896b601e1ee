// The order is the data room's; what stands here walks over windows without reading them.
#include "commands/training_data.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iterator>

#include "data/pipeline.h"
#include "loop/progress.h"
#include "loop/trainer.h"
#include "plugin/accumulation_schedule.h"

namespace trainhost {
namespace {

constexpr const char* kTrainingSet = "train";

// What orders and gives samples.
std::vector<ChosenPlugin> plugins_of_data(const std::vector<ChosenPlugin>& plugins) {
  std::vector<ChosenPlugin> chosen;
  std::copy_if(plugins.begin(), plugins.end(), std::back_inserter(chosen),
               [](const ChosenPlugin& plugin) { return plugin.record.kind == "data_source" || plugin.record.kind == "accumulation_schedule"; });
  return chosen;
}

}  // namespace

std::shared_ptr<std::byte> HostMemory::allocate(size_t bytes) {
  void* memory = std::aligned_alloc(64, (bytes / 64 + 1) * 64);
  if (!memory) throw Error(ExitCode::kFailure, format("{} bytes of host memory for a batch cannot be had", bytes));
  return {static_cast<std::byte*>(memory), [](std::byte* freed) { std::free(freed); }};
}

std::unique_ptr<DeviceBatch> HostMemory::upload(HostBatch batch) {
  auto uploaded = std::make_unique<DeviceBatch>();
  uploaded->num_samples = batch.num_samples, uploaded->num_targets = batch.num_targets;
  return uploaded;
}

TrainingData::TrainingData(const Job& job) : job_(job), ledger_(Ledger::Options{}), facts_{.cache_folder = cache_folder().string()}, staging_(memory_, job.config.run.data.memory_bytes), plugins_(without_parts(plugins_of_data(job.plugins), job.mixture), nullptr), source_(plugins_, job.mixture, nullptr) {
  plugins_.start(facts_);
  source_.start(facts_);
  source_.open();
  reader_ = std::make_unique<BatchReader>(source(), kTrainingSet, staging_);
  const RunConfig& run = job_.config.run;
  const SamplerOptions order{.seed = run.seed, .shuffle = run.data.shuffle, .shuffle_blocks = std::max<uint64_t>(run.data.shuffle_blocks, 1)};
  order_ = std::make_unique<SampleOrder>(source(), order);
}

SampleList TrainingData::samples_at(const Position& start, uint64_t count) {
  SampleList samples;
  for (uint64_t i = 0; i < count; ++i) {
    const Position at = advanced(start, i, order_->epoch_samples());
    const SampleOrder::Drawn drawn = order_->at(at.epoch, at.epoch_position);
    samples.ids.push_back(drawn.id);
    samples.keys.push_back(drawn.key);
  }
  return samples;
}

ReadBatch TrainingData::read(const SampleList& samples) {
  Cancellation never;
  std::atomic<uint64_t> progress = 0;
  return reader_->read(samples, never, progress);
}

WindowShape TrainingData::next_shape(const RunState& state) {
  const WindowShape& last = state.shape;
  trainhost_window before{};
  if (last.micro_batch_samples > 0) before = {sizeof before, 0, last.micro_batch_samples, last.num_micro_batches, last.target_samples, last.target_tokens};
  const RunScale scale{order_->epoch_samples(), run_length(job_.config.run.max)};
  const trainhost_window next = AccumulationSchedule(plugins_.one("accumulation_schedule")).next_window(make_progress(state, scale, ledger_), before);
  return {next.micro_batch_samples, next.num_micro_batches, next.target_samples, next.target_tokens};
}

// Windows of tokens end where the lengths of samples say: the pipeline cuts them.
uint64_t TrainingData::samples_of(const WindowShape& shape, const Position& start) {
  if (shape.num_micro_batches > 0) return shape.num_micro_batches * shape.micro_batch_samples;
  if (shape.target_samples > 0) return shape.target_samples;
  const RunConfig& run = job_.config.run;
  const PipelineOptions options{.set_name = kTrainingSet, .seed = run.seed, .threads = 1, .prefetch_batches = 1, .shuffle = run.data.shuffle, .shuffle_blocks = run.data.shuffle_blocks};
  DataPipeline pipeline(source(), options, memory_);
  pipeline.seek(start);
  return pipeline.begin_window(shape).samples;
}

TrainingData::Window TrainingData::window(uint64_t step) {
  const uint64_t epoch_samples = order_->epoch_samples();
  RunState state;
  WindowShape shape;
  uint64_t samples = 0;
  while (true) {
    shape = next_shape(state);
    samples = samples_of(shape, state.position);
    if (state.windows + 1 == step) break;
    state.shape = shape;
    state.position = advanced(state.position, samples, epoch_samples);
    state.windows += 1, state.samples += samples;
    state.observed.window = state.observed.step = state.windows > Trainer::kLag ? state.windows - Trainer::kLag : 0;  // as decisions see it
  }
  Window window{state.position, {}};
  for (uint64_t done = 0; done < samples; done += shape.micro_batch_samples)
    window.micro_batches.push_back(samples_at(advanced(state.position, done, epoch_samples), std::min(shape.micro_batch_samples, samples - done)));
  return window;
}

}  // namespace trainhost
