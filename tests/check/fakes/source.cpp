// A data source of 100 samples: four tokens each, and a label.
#include <trainhost/data_source.h>
#include <trainhost/draft/sample_identity.h>

#include "misfit.h"

MISFIT_RECORD("data_source", "");

namespace {

constexpr uint64_t kSamples = 100;
constexpr trainhost_field kTokens{sizeof(trainhost_field), TRAINHOST_FIELD_INPUT, {"tokens", 6}, {TRAINHOST_DTYPE_UINT, 8, 1}, 1, {4}, {4}, 200, -1};
constexpr trainhost_field kLabel{sizeof(trainhost_field), TRAINHOST_FIELD_TARGET, {"label", 5}, {TRAINHOST_DTYPE_INT, 64, 1}, 0, {}, {}, 10, -1};
constexpr const trainhost_field* kFields[] = {&kTokens, &kLabel};
constexpr const trainhost_field* kTwins[] = {&kTokens, &kTokens};
constexpr uint64_t kBlocks[] = {0, 50}, kBadBlocks[] = {0, 0};

trainhost_status info(trainhost_instance* instance, trainhost_source_info* out, trainhost_error*) {
  Misfit& self = of(instance);
  static int all_calls = 0;
  *out = {sizeof *out, 2, self.is("twin_fields") ? kTwins : kFields, kSamples, 2, self.is("bad_blocks") ? kBadBlocks : kBlocks, {}};
  if (!self.is("no_fingerprint")) out->fingerprint[0] = 7;
  if (self.is("unsteady_fingerprint")) out->fingerprint[1] = static_cast<uint8_t>(++all_calls);
  return TRAINHOST_OK;
}

uint8_t token_of(const Misfit& self, const trainhost_read* wanted, uint64_t i, uint64_t k) {
  static uint64_t all_reads = 0;
  if (self.is("depends_on_order")) return static_cast<uint8_t>((wanted->ids[i] + i) % 200);
  if (self.is("depends_on_time")) return static_cast<uint8_t>(++all_reads % 200);
  if (self.is("beyond_its_classes")) return 250;
  if (self.is("denies_its_keys")) return static_cast<uint8_t>((wanted->ids[i] + (wanted->random_keys[i] >> 40)) % 200);
  return static_cast<uint8_t>((wanted->ids[i] * 3 + k) % 200);
}

trainhost_status read_one(Misfit& self, const trainhost_read* wanted, uint64_t i, const trainhost_batch_writer* writer, trainhost_error* error) {
  const int64_t shape[1] = {self.is("wrong_shape") ? 5 : 4};
  trainhost_tensor place{};
  trainhost_status status = writer->reserve(writer->impl, i, 0, shape, &place, error);
  if (status != TRAINHOST_OK)
    return self.is("hides_failed_reserves") ? TRAINHOST_OK : self.is("renames_failed_reserves") ? say(error, TRAINHOST_INTERNAL, "no") : status;
  for (uint64_t k = 0; k < 4; ++k) static_cast<uint8_t*>(place.data)[k] = token_of(self, wanted, i, k);
  if (self.is("writes_behind_its_place")) static_cast<uint8_t*>(place.data)[4] = 1;
  if (self.is("leaves_fields_out")) return TRAINHOST_OK;
  status = writer->reserve(writer->impl, i, 1, shape, &place, error);
  if (status != TRAINHOST_OK) return status;
  *static_cast<int64_t*>(place.data) = static_cast<int64_t>(wanted->ids[i] % 10);
  return TRAINHOST_OK;
}

trainhost_status read_samples(trainhost_instance* instance, const trainhost_read* wanted, const trainhost_batch_writer* writer, trainhost_error* error) {
  Misfit& self = of(instance);
  const OneAtATime caller(self.is("not_for_two_threads"));
  if (!caller.is_alone()) return say(error, TRAINHOST_INTERNAL, "somebody else is reading");
  for (uint64_t i = 0; i < wanted->num_samples; ++i) {
    if (wanted->ids[i] >= kSamples && !self.is("reads_beyond_its_end")) {
      ++self.counter;
      return fail_oddly(self, error, self.is("retry_forever") ? TRAINHOST_UNAVAILABLE : TRAINHOST_OUT_OF_RANGE, "there is no such sample");
    }
    if (self.is("changes_after_an_error") && self.counter > 0) return say(error, TRAINHOST_INTERNAL, "it failed before, and stays so");
    if (const trainhost_status status = read_one(self, wanted, i, writer, error); status != TRAINHOST_OK) return status;
  }
  return TRAINHOST_OK;
}

trainhost_status lengths(trainhost_instance* instance, const uint64_t*, uint64_t num_ids, uint64_t* out, trainhost_error* error) {
  const OneAtATime caller(of(instance).is("lengths_for_one_thread"));
  if (!caller.is_alone()) return say(error, TRAINHOST_INTERNAL, "somebody else is counting");
  for (uint64_t i = 0; i < num_ids; ++i) out[i] = of(instance).is("wrong_lengths") ? 4 : 1;
  return TRAINHOST_OK;
}

trainhost_status encode(trainhost_instance* instance, trainhost_string text, int64_t* out, uint64_t capacity, uint64_t* written, trainhost_error* error) {
  const OneAtATime caller(of(instance).is("encodes_for_one_thread"));
  if (!caller.is_alone()) return say(error, TRAINHOST_INTERNAL, "somebody else is encoding");
  *written = text.length;
  if (of(instance).is("ignores_the_room")) capacity = text.length;
  for (uint64_t i = 0; i < text.length && i < capacity; ++i) out[i] = static_cast<unsigned char>(text.data[i]);
  return TRAINHOST_OK;
}

trainhost_status decode(trainhost_instance* instance, const int64_t* tokens, uint64_t num_tokens, char* out, uint64_t capacity, uint64_t* written,
                        trainhost_error* error) {
  const OneAtATime caller(of(instance).is("decodes_for_one_thread"));
  if (!caller.is_alone()) return say(error, TRAINHOST_INTERNAL, "somebody else is decoding");
  *written = num_tokens;
  for (uint64_t i = 0; i < num_tokens && i < capacity; ++i) out[i] = of(instance).is("garbles_text") ? '?' : static_cast<char>(tokens[i]);
  return TRAINHOST_OK;
}

trainhost_status facts(trainhost_instance*, trainhost_sample_facts* out, trainhost_error*) {
  *out = {sizeof *out, 0, {7}, {"a misfit", 8}};
  return TRAINHOST_OK;
}

const void* table_of_kind(const Misfit& self, std::string_view id) {
  static const trainhost_sample_identity identity{sizeof identity, 0, facts};
  if (id == TRAINHOST_SAMPLE_IDENTITY) return self.is("denies_its_keys") ? &identity : nullptr;
  static const trainhost_data_source source{sizeof source, 0, info, read_samples};
  static const trainhost_data_lengths lengths_table{sizeof lengths_table, 0, lengths};
  static const trainhost_text text{sizeof text, 0, encode, decode};
  if (id == TRAINHOST_DATA_SOURCE) return &source;
  if (id == TRAINHOST_DATA_LENGTHS) return &lengths_table;
  return id == TRAINHOST_TEXT ? &text : nullptr;
}

}  // namespace

MISFIT_ENTRY("data_source")
