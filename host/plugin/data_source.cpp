// Reads samples into the host's memory and translates text, through a source.
#include "plugin/data_source.h"

#include <cassert>
#include <exception>
#include <mutex>

#include "plugin/guarded.h"
#include "plugin/source_info.h"
#include "plugin/text.h"

namespace trainhost {
namespace {

constexpr uint64_t kMaxText = uint64_t{1} << 28;  // elements of one encode or decode

// Stands between the plugin and the data room during one read.
class ReadContext {
 public:
  ReadContext(BatchWriter& writer, const SourceInfo& info, uint64_t num_samples) : writer_(writer), info_(info), num_samples_(num_samples) {}

  static trainhost_status reserve(void* impl, uint64_t sample, uint32_t field, const int64_t* shape, trainhost_tensor* out, trainhost_error* error) {
    return static_cast<ReadContext*>(impl)->reserve(sample, field, shape, out, error);
  }

  /// The host's own failure tells more than the plugin's word about it.
  void rethrow_host_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  trainhost_status reserve(uint64_t sample, uint32_t field, const int64_t* shape, trainhost_tensor* out, trainhost_error* error) {
    try {
      if (const std::string complaint = complaint_about(sample, field, shape); !complaint.empty() || !out) {
        write_words(error, complaint);
        return TRAINHOST_INVALID_ARGUMENT;
      }
      writer_.reserve(sample, field, {shape, info_.fields[field].shape.size()}, *out);
      return TRAINHOST_OK;
    } catch (const std::exception& failure) {
      write_words(error, failure.what());
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      return TRAINHOST_INVALID_ARGUMENT;
    }
  }

  std::string complaint_about(uint64_t sample, uint32_t field, const int64_t* shape) const {
    if (sample >= num_samples_) return format("sample_index {} of {} samples", sample, num_samples_);
    if (field >= info_.fields.size()) return format("field {} of {} fields", field, info_.fields.size());
    const FieldSpec& spec = info_.fields[field];
    if (!shape && !spec.shape.empty()) return format("no shape for field {}", spec.name);
    for (size_t d = 0; d < spec.shape.size(); ++d) {
      const bool is_varying = spec.shape[d] == -1;
      const bool fits = is_varying ? shape[d] >= 0 && (spec.max_shape[d] == -1 || shape[d] <= spec.max_shape[d]) : shape[d] == spec.shape[d];
      if (!fits) return format("shape[{}] of field {} is {}, declared {} {}", d, spec.name, shape[d], is_varying ? "at most" : "as", spec.max_shape[d]);
    }
    return "";
  }

  BatchWriter& writer_;
  const SourceInfo& info_;
  uint64_t num_samples_;
  std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace

DataSource::DataSource(Instance& instance) : instance_(instance), table_(instance.table<trainhost_data_source>(TRAINHOST_DATA_SOURCE)) {
  instance_.require(TRAINHOST_DATA_SOURCE, {{"info", table_.info}, {"read", table_.read}});
  if (instance_.interface(TRAINHOST_DATA_LENGTHS)) {
    lengths_ = instance_.table<trainhost_data_lengths>(TRAINHOST_DATA_LENGTHS);
    instance_.require(TRAINHOST_DATA_LENGTHS, {{"lengths", lengths_.lengths}});
  }
  if (instance_.interface(TRAINHOST_TEXT)) {
    text_ = instance_.table<trainhost_text>(TRAINHOST_TEXT);
    instance_.require(TRAINHOST_TEXT, {{"encode", text_.encode}, {"decode", text_.decode}});
  }
}

const SourceInfo& DataSource::info() {
  if (!info_.fields.empty()) return info_;
  Guarded<trainhost_source_info> answer;
  instance_.call("info", [&](trainhost_error* error) { return table_.info(instance_.handle(), &answer.value, error); });
  if (!answer.is_intact()) throw instance_.broken_promise("info", "wrote beyond its answer");
  info_ = check_source_info(instance_, answer.value);
  return info_;
}

void DataSource::limit_values(std::span<const ValueLimit> limits) {
  for (const ValueLimit& limit : limits)
    for (FieldSpec& field : info_.fields)
      if (field.name == limit.field) trainhost::limit_values(field, limit);
}

void DataSource::read(std::span<const uint64_t> ids, std::span<const uint64_t> random_keys, BatchWriter& writer) const {
  assert(ids.size() == random_keys.size() && !info_.fields.empty());
  ReadContext context(writer, info_, ids.size());
  const trainhost_batch_writer lent{&context, ReadContext::reserve};
  const trainhost_read wanted{sizeof wanted, 0, ids.size(), ids.data(), random_keys.data()};
  try {
    instance_.call("read", [&](trainhost_error* error) { return table_.read(instance_.handle(), &wanted, &lent, error); });
  } catch (const PluginCallError&) {
    context.rethrow_host_failure();
    throw;
  }
  context.rethrow_host_failure();  // the source said OK although it was given no memory
}

std::vector<uint64_t> DataSource::lengths(std::span<const uint64_t> ids) const {
  std::vector<uint64_t> lengths(ids.size());
  instance_.call("lengths", [&](trainhost_error* error) { return lengths_.lengths(instance_.handle(), ids.data(), ids.size(), lengths.data(), error); });
  return lengths;
}

std::vector<int64_t> DataSource::encode(std::string_view text) const {
  std::vector<int64_t> tokens(text.size() + 16);
  for (int attempt = 0; attempt < 2; ++attempt) {
    uint64_t written = 0;
    instance_.call("encode",
                   [&](trainhost_error* error) { return text_.encode(instance_.handle(), borrow(text), tokens.data(), tokens.size(), &written, error); });
    if (written > kMaxText) break;
    const bool is_whole = written <= tokens.size();
    tokens.resize(written);
    if (is_whole) return tokens;
  }
  throw instance_.broken_promise("encode", "has no steady length for one text");
}

std::string DataSource::decode(std::span<const int64_t> tokens) const {
  std::string text(tokens.size() * 8 + 16, '\0');
  for (int attempt = 0; attempt < 2; ++attempt) {
    uint64_t written = 0;
    instance_.call("decode", [&](trainhost_error* error) {
      return text_.decode(instance_.handle(), tokens.data(), tokens.size(), text.data(), text.size(), &written, error);
    });
    if (written > kMaxText) break;
    const bool is_whole = written <= text.size();
    text.resize(written);
    if (is_whole) return text;
  }
  throw instance_.broken_promise("decode", "has no steady length for one list of tokens");
}

}  // namespace trainhost
