// Plans windows, hands their micro-batches to the workers ahead of time, and gives them out in order.
#include "data/pipeline.h"

#include <algorithm>
#include <array>

namespace trainhost {
namespace {

// Far above any real window; keeps sums from overflowing and a mistyped number from filling the memory.
constexpr uint64_t kMaxWindowSamples = uint64_t{1} << 32;

[[noreturn]] void refuse(const std::string& got) {
  throw Error(ExitCode::kConfig, "window: " + got + "; correct the table of the accumulation schedule, or the plugin");
}

void check_shape(const WindowShape& shape) {
  const std::array<uint64_t, 3> targets{shape.num_micro_batches, shape.target_samples, shape.target_tokens};
  if (std::count(targets.begin(), targets.end(), 0u) != 2) {
    refuse(format("exactly one of num_micro_batches, target_samples, target_tokens must not be 0, got {}, {}, {}", targets[0], targets[1], targets[2]));
  }
  if (shape.micro_batch_samples == 0) refuse("micro_batch_samples must be at least 1, got 0");
  if (shape.micro_batch_samples > kMaxWindowSamples || *std::max_element(targets.begin(), targets.end()) > kMaxWindowSamples * 256 ||
      shape.num_micro_batches > kMaxWindowSamples / shape.micro_batch_samples || shape.target_samples > kMaxWindowSamples) {
    refuse(format("{} micro-batches of {} samples, {} samples, {} tokens: too many for one window, the most is {} samples", targets[0],
                  shape.micro_batch_samples, targets[1], targets[2], kMaxWindowSamples));
  }
}

}  // namespace

DataPipeline::DataPipeline(const SampleSource& source, PipelineOptions options, BatchDevice& device)
    : source_(source),
      options_(std::move(options)),
      order_(source, {.seed = options_.seed, .shuffle = options_.shuffle, .shuffle_blocks = std::max<uint64_t>(options_.shuffle_blocks, 1)}),
      targets_(source, options_.set_name),
      tuner_(options_.threads, kFirstThreads, options_.cores),
      read_ahead_(source, device,
                  {.set_name = options_.set_name,
                   .threads = tuner_.threads(),
                   .batches = options_.prefetch_batches,
                   .memory_bytes = options_.memory_bytes,
                   .stall_seconds = options_.stall_seconds,
                   .clock = options_.clock}) {}

DataPipeline::~DataPipeline() = default;

WindowCut DataPipeline::begin_window(const WindowShape& shape) {
  check_shape(shape);
  if (is_open_) {  // the same samples again
    PlannedWindow window = std::move(windows_.front());
    forget_plans();
    window.shape = shape;
    cut_into_pieces(window, shape.micro_batch_samples);
    windows_.push_back(std::move(window));
  } else if (windows_.empty() || windows_.front().shape != shape) {
    forget_plans();
    windows_.push_back(plan(position_, shape));
  }
  is_open_ = true;
  delivered_ = 0;
  read_ahead();
  return windows_.front().cut;
}

std::unique_ptr<DeviceBatch> DataPipeline::next() {
  if (!is_open_ || delivered_ == windows_.front().cut.micro_batch_samples.size()) return nullptr;
  read_ahead();
  ReadAhead::Item item = read_ahead_.pop();
  ++delivered_;
  report_.batches += 1;
  report_.samples += item.batch->num_samples;
  report_.bytes += item.bytes;
  report_.waits += item.ready == 0;
  report_.queue_depth = item.ready;
  report_.waited += item.waited;
  tune_threads();
  read_ahead();
  return std::move(item.batch);
}

PipelineReport DataPipeline::report() const {
  PipelineReport report = report_;
  report.reading = read_ahead_.work();
  report.is_automatic = tuner_.is_automatic();
  report.most_threads = tuner_.most();
  report.parts = part_reports();
  return report;
}

std::vector<PipelineReport::Part> DataPipeline::part_reports() const {
  const std::vector<uint64_t> samples = order_.part_samples_before(position_.epoch, position_.epoch_position);
  std::vector<PipelineReport::Part> reports;
  for (const MixturePart& part : source_.parts()) reports.push_back({part.name, samples[reports.size()], part.num_samples});
  return reports;
}

void DataPipeline::commit_window() {
  if (!is_open_) return;
  const PlannedWindow window = std::move(windows_.front());
  position_ = advanced(window.start, window.cut.samples, epoch_samples());
  is_open_ = false;
  if (delivered_ < window.cut.micro_batch_samples.size()) return forget_plans();
  windows_.pop_front();
  --queued_windows_;
  if (windows_.empty()) windows_.push_back(plan(position_, window.shape));
}

void DataPipeline::seek(const Position& position) {
  if (position.epoch_position >= epoch_samples()) {
    throw Error(ExitCode::kData, format("data set {}: cannot go to sample {} of epoch {}: an epoch has {} samples; this position belongs to other data",
                                        options_.set_name, position.epoch_position, position.epoch, epoch_samples()));
  }
  position_ = position;
  is_open_ = false;
  forget_plans();
}

DataPipeline::PlannedWindow DataPipeline::plan(const Position& start, const WindowShape& shape) {
  PlannedWindow window{shape, start, {}};
  if (shape.num_micro_batches > 0)
    window.cut.samples = shape.num_micro_batches * shape.micro_batch_samples;
  else if (shape.target_samples > 0)
    window.cut.samples = shape.target_samples;
  else
    window.cut.samples = samples_for_tokens(start, shape.target_tokens);

  if (const auto per_sample = targets_.per_sample())
    window.cut.max_targets = *per_sample * window.cut.samples;
  else
    window.cut.max_targets = targets_.sum(samples_at(start, window.cut.samples).ids);
  cut_into_pieces(window, shape.micro_batch_samples);
  return window;
}

// Goes sample by sample, so that the window ends at the first that reaches the target.
uint64_t DataPipeline::samples_for_tokens(const Position& start, uint64_t target_tokens) {
  constexpr uint64_t kChunk = 256;
  uint64_t tokens = 0, samples = 0;
  while (true) {
    const SampleList chunk = samples_at(advanced(start, samples, epoch_samples()), kChunk);
    for (const uint64_t targets : targets_.each(chunk.ids)) {
      tokens += targets;
      ++samples;
      if (tokens >= target_tokens) return samples;
    }
    if (tokens == 0 && samples >= epoch_samples()) {
      throw Error(ExitCode::kData, format("data set {}: a whole epoch of {} samples has no target that counts, so target_tokens = {} is never reached",
                                          options_.set_name, epoch_samples(), target_tokens));
    }
  }
}

void DataPipeline::cut_into_pieces(PlannedWindow& window, uint64_t micro_batch_samples) {
  window.cut.micro_batch_samples.clear();
  for (uint64_t done = 0; done < window.cut.samples; done += micro_batch_samples) {
    window.cut.micro_batch_samples.push_back(std::min(micro_batch_samples, window.cut.samples - done));
  }
}

SampleList DataPipeline::samples_at(const Position& start, uint64_t count) {
  SampleList samples;
  samples.ids.reserve(count);
  samples.keys.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const Position at = advanced(start, i, epoch_samples());
    const SampleOrder::Drawn drawn = order_.at(at.epoch, at.epoch_position);
    samples.ids.push_back(drawn.id);
    samples.keys.push_back(drawn.key);
  }
  return samples;
}

// Fills the workers' queue; windows behind the last one known are assumed to have its shape.
void DataPipeline::read_ahead() {
  while (read_ahead_.has_room()) {
    if (queued_windows_ == windows_.size()) windows_.push_back(plan(queue_position_, windows_.back().shape));
    const std::vector<uint64_t>& pieces = windows_[queued_windows_].cut.micro_batch_samples;
    const uint64_t count = pieces[queued_pieces_];
    read_ahead_.push(samples_at(queue_position_, count));
    queue_position_ = advanced(queue_position_, count, epoch_samples());
    if (++queued_pieces_ < pieces.size()) continue;
    queued_pieces_ = 0;
    ++queued_windows_;
  }
}

void DataPipeline::tune_threads() {
  if (!tuner_.is_automatic()) return;
  const double now = options_.clock();
  if (!tuner_.is_due(now)) return;
  const ReadingWork work = read_ahead_.work();
  const auto choice = tuner_.consider({now, report_.waited.sum(), report_.samples, work.busy.sum(), work.cpu_seconds, work.samples});
  if (!choice) return;
  read_ahead_.set_threads(choice->threads);
  thread_choices_.push_back(*choice);
}

void DataPipeline::forget_plans() {
  const Position restart = is_open_ && !windows_.empty() ? windows_.front().start : position_;
  read_ahead_.clear();
  windows_.clear();
  queued_windows_ = queued_pieces_ = 0;
  queue_position_ = restart;
}

}  // namespace trainhost
