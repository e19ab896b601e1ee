// One read call, and what to do when it fails.
#include "data/batch_reader.h"

#include "data/batch_assembly.h"
#include "plugin/call.h"

namespace trainhost {

BatchReader::BatchReader(DataSource& source, std::string set_name, BatchDevice& device, double retry_seconds)
    : source_(source), place_("data set " + set_name), device_(device), retry_seconds_(retry_seconds) {
  for (const FieldSpec& field : source.info().fields) check_field(field, format("{}: {}", place_, source.instance().full_name()));
}

HostBatch BatchReader::read(const SampleList& samples, Cancellation& cancellation) const {
  try {
    return read_with_retries(samples, cancellation);
  } catch (const PluginCallError& error) {
    if (error.status() == TRAINHOST_DATA_LOSS) name_damaged_sample(samples, error.what(), cancellation);
    throw Error(error.code(), format("{}: {}", place_, error.what()));
  }
}

HostBatch BatchReader::read_with_retries(const SampleList& samples, Cancellation& cancellation) const {
  double wait_seconds = retry_seconds_;
  for (int retry = 0;; ++retry, wait_seconds *= 2) {
    try {
      return read_once(samples, cancellation);
    } catch (const PluginCallError& error) {
      if (!error.is_retryable() || retry == kMaxRetries) throw;
    }
    if (cancellation.wait_for(std::chrono::duration<double>(wait_seconds))) throw Error(ExitCode::kAborted, place_ + ": reading was cancelled");
  }
}

HostBatch BatchReader::read_once(const SampleList& samples, Cancellation& cancellation) const {
  BatchAssembly assembly(source_.info().fields, samples.ids, format("{}: {}", place_, source_.instance().full_name()), device_);
  const CallLimit limit(&cancellation.is_requested());
  source_.read(samples.ids, samples.keys, assembly);
  return assembly.finish();
}

void BatchReader::name_damaged_sample(const SampleList& samples, const std::string& message, Cancellation& cancellation) const {
  for (size_t i = 0; i < samples.ids.size(); ++i) {
    try {
      read_with_retries({{samples.ids[i]}, {samples.keys[i]}}, cancellation);
    } catch (const PluginCallError& error) {
      throw Error(ExitCode::kData, format("{}: sample {}: {}", place_, samples.ids[i], error.what()));
    }
  }
  throw Error(ExitCode::kData, format("{}: {} (among {} samples; read one by one, none of them fails)", place_, message, samples.ids.size()));
}

}  // namespace trainhost
