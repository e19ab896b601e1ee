// One read call, and what to do when it fails.
#include "data/batch_reader.h"

#include <algorithm>

#include "data/batch_assembly.h"
#include "plugin/call.h"
#include "plugin/read_stages.h"

namespace trainhost {

BatchReader::BatchReader(const SampleSource& source, std::string set_name, Staging& staging, double retry_seconds, Clock clock)
    : source_(source), set_("data set " + set_name), place_(format("{}: {}", set_, source.name())), staging_(staging), retry_seconds_(retry_seconds), clock_(std::move(clock)) {
  for (const FieldSpec& field : source.info().fields) check_field(field, place_);
}

ReadBatch BatchReader::read(const SampleList& samples, Cancellation& cancellation, std::atomic<uint64_t>& progress) const {
  try {
    return read_with_retries(samples, cancellation, progress);
  } catch (const PluginCallError& error) {
    if (error.status() == TRAINHOST_DATA_LOSS) name_damaged_sample(samples, error.what(), cancellation, progress);
    throw Error(error.code(), format("{}: {}", set_, error.what()));
  }
}

ReadBatch BatchReader::read_with_retries(const SampleList& samples, Cancellation& cancellation, std::atomic<uint64_t>& progress) const {
  double wait_seconds = retry_seconds_;
  for (int retry = 0;; ++retry, wait_seconds *= 2) {
    try {
      return read_once(samples, cancellation, progress);
    } catch (const PluginCallError& error) {
      if (!error.is_retryable() || retry == kMaxRetries) throw;
    }
    progress.fetch_add(1, std::memory_order_relaxed);
    if (cancellation.wait_for(std::chrono::duration<double>(wait_seconds))) throw Error(ExitCode::kAborted, set_ + ": reading was cancelled");
  }
}

ReadBatch BatchReader::read_once(const SampleList& samples, Cancellation& cancellation, std::atomic<uint64_t>& progress) const {
  const double began = clock_();
  BatchAssembly assembly(source_, samples.ids, place_, staging_, progress);
  const CallLimit limit(&cancellation.is_requested());
  const ReadStages stages;
  source_.read(samples.ids, samples.keys, assembly);
  const double filled = clock_();
  ReadBatch read{assembly.finish(), {}, 0};
  read.memory_bytes = assembly.bytes();
  read.seconds.decode = static_cast<double>(stages.decode_ns()) / 1e9;
  read.seconds.transform = static_cast<double>(stages.transform_ns()) / 1e9;
  read.seconds.read = std::max(0.0, filled - began - read.seconds.decode - read.seconds.transform);
  read.seconds.copy = clock_() - filled;
  return read;
}

void BatchReader::name_damaged_sample(const SampleList& samples, const std::string& message, Cancellation& cancellation, std::atomic<uint64_t>& progress) const {
  for (size_t i = 0; i < samples.ids.size(); ++i) {
    try {
      read_with_retries({{samples.ids[i]}, {samples.keys[i]}}, cancellation, progress);
    } catch (const PluginCallError& error) {
      throw Error(ExitCode::kData, format("{}: sample {}: {}", set_, source_.id_text(samples.ids[i]), error.what()));
    }
  }
  throw Error(ExitCode::kData, format("{}: {} (among {} samples; read one by one, none of them fails)", set_, message, samples.ids.size()));
}

}  // namespace trainhost
