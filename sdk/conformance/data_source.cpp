// Questions for data sources: the same ids, the same bytes.
#include "trainhost/data_source.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <set>

#include "conformance/kind_calls.h"
#include "conformance/questions.h"
#include "conformance/samples.h"
#include "trainhost/draft/sample_identity.h"

namespace trainhost::conformance {
namespace {

constexpr std::size_t kIds = 64;

// Spread over the whole shelf, ends included; in order, each once.
std::vector<std::uint64_t> some_ids(const Specimen& source) {
  const std::uint64_t count = info_of(source).num_samples;
  std::set<std::uint64_t> ids{0, count - 1};
  for (std::size_t i = 0; i < kIds; ++i) ids.insert(static_cast<std::uint64_t>(static_cast<double>(count) * static_cast<double>(i) / kIds));
  return {ids.begin(), ids.end()};
}

std::string hex_of(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes.substr(0, 8)) text += format("{:02x}", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  return text;
}

constexpr std::string_view kWords = "The quick brown fox";

std::vector<std::uint64_t> lengths_of(const Specimen& source, const trainhost_data_lengths& table, const std::vector<std::uint64_t>& ids) {
  const GuardedMemory memory(ids.size() * sizeof(std::uint64_t), "out of lengths");
  auto* const lengths = reinterpret_cast<std::uint64_t*>(memory.data());
  expect("lengths", table.lengths, source.c(), ids.data(), static_cast<std::uint64_t>(ids.size()), lengths);
  return {lengths, lengths + ids.size()};
}

std::vector<std::int64_t> encoded(const Specimen& source, const trainhost_text& table, std::string_view words) {
  std::uint64_t needed = 0, written = 0;
  expect("encode without room", table.encode, source.c(), c_string(words), static_cast<std::int64_t*>(nullptr), std::uint64_t{0}, &needed);
  require(needed > 0, "encode of \"{}\" says 0 tokens", words);
  const GuardedMemory memory(needed * sizeof(std::int64_t), "the tokens that encode writes");
  auto* const tokens = reinterpret_cast<std::int64_t*>(memory.data());
  expect("encode", table.encode, source.c(), c_string(words), tokens, needed, &written);
  require(written == needed, "encode says {} tokens without room and {} with", needed, written);
  return {tokens, tokens + needed};
}

std::string decoded(const Specimen& source, const trainhost_text& table, const std::vector<std::int64_t>& tokens) {
  std::uint64_t needed = 0, written = 0;
  expect("decode without room", table.decode, source.c(), tokens.data(), static_cast<std::uint64_t>(tokens.size()), static_cast<char*>(nullptr),
         std::uint64_t{0}, &needed);
  const GuardedMemory memory(needed, "the text that decode writes");
  auto* const text = reinterpret_cast<char*>(memory.data());
  expect("decode", table.decode, source.c(), tokens.data(), static_cast<std::uint64_t>(tokens.size()), text, needed, &written);
  return {text, needed};
}

std::string use_data_source(const Specimen& source) {
  std::string answers;
  for (const SampleText& sample : read(source, some_ids(source))) answers += sample;
  return format("{} samples, hash {}", info_of(source).num_samples, std::hash<std::string>()(answers));
}

std::string use_from_any_thread(const Specimen& source) {
  std::string answers = use_data_source(source);
  if (const auto* table = source.find<trainhost_data_lengths>(TRAINHOST_DATA_LENGTHS))
    for (const std::uint64_t length : lengths_of(source, *table, some_ids(source))) answers += format(" {}", length);
  if (const auto* table = source.find<trainhost_text>(TRAINHOST_TEXT)) answers += " " + decoded(source, *table, encoded(source, *table, kWords));
  return answers;
}

void check_same(const SampleText& got, const SampleText& wanted, std::uint64_t id, std::string_view how) {
  if (got == wanted) return;
  const std::size_t at = static_cast<std::size_t>(std::mismatch(got.begin(), got.end(), wanted.begin(), wanted.end()).first - got.begin());
  fail("sample {} {} has other bytes: from byte {} on {}, before {}", id, how, at, hex_of(std::string_view(got).substr(std::min(at, got.size()))),
       hex_of(std::string_view(wanted).substr(std::min(at, wanted.size()))));
}

void same_ids_same_bytes(const Subject& subject) {
  Specimen source(subject), other(subject);
  source.begin(), other.begin();
  std::vector<std::uint64_t> ids = some_ids(source);
  const std::vector<SampleText> samples = read(source, ids);
  std::map<std::uint64_t, SampleText> by_id;
  for (std::size_t i = 0; i < ids.size(); ++i) by_id[ids[i]] = samples[i];
  for (const std::uint64_t id : ids) check_same(read(source, {id}).front(), by_id[id], id, "read alone");
  std::mt19937_64 random(subject.seed);
  std::shuffle(ids.begin(), ids.end(), random);
  ids.push_back(ids.front());  // an id may come twice
  const std::vector<SampleText> shuffled = read(source, ids), elsewhere = read(other, ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    check_same(shuffled[i], by_id[ids[i]], ids[i], "read in another order");
    check_same(elsewhere[i], by_id[ids[i]], ids[i], "read by another instance of the same settings");
  }
}

trainhost_sample_facts facts_of(const Specimen& source, const trainhost_sample_identity& table) {
  const Placed<trainhost_sample_facts> facts({sizeof(trainhost_sample_facts), 0, {}, {}}, "trainhost_sample_facts");
  expect("facts", table.facts, source.c(), facts.get());
  return *facts;
}

// What a cache goes by: a sample that is drawn must not come back in another epoch.
void kept_samples_ignore_their_keys(const Subject& subject) {
  Specimen source(subject), other(subject);
  source.begin(), other.begin();
  const auto* table = source.find<trainhost_sample_identity>(TRAINHOST_SAMPLE_IDENTITY);
  if (!table) skip("it has no {}", TRAINHOST_SAMPLE_IDENTITY);
  const trainhost_sample_facts facts = facts_of(source, *table), same = facts_of(other, *other.find<trainhost_sample_identity>(TRAINHOST_SAMPLE_IDENTITY));
  require(std::equal(std::begin(facts.stamp), std::end(facts.stamp), std::begin(same.stamp)), "another instance of the same settings has another stamp");
  if (facts.uses_random_keys) skip("it says that its samples depend on their random keys");
  const std::vector<std::uint64_t> ids = some_ids(source);
  const std::vector<SampleText> samples = read(source, ids);
  const Reading again = try_read(source, ids, {.key_offset = std::uint64_t{1} << 40});
  require(again.said.is_ok(), "read with other random keys: {}", text_of(again.said));
  for (std::size_t i = 0; i < ids.size(); ++i) check_same(again.samples[i], samples[i], ids[i], "which it says not to draw, read with another random key");
}

void ids_out_of_range_are_refused(const Subject& subject) {
  Specimen source(subject);
  source.begin();
  const std::uint64_t count = info_of(source).num_samples;
  const auto before = read(source, {0});
  for (const std::uint64_t id : {count, count + 1, UINT64_MAX, std::uint64_t{1} << 63}) {
    const Said said = try_read(source, {0, id}).said;
    require(!said.is_ok(), "it reads sample {}, of {}", id, count);
    require(said.status != TRAINHOST_UNAVAILABLE, "sample {} of {} is UNAVAILABLE, which the host tries again; answer INVALID_ARGUMENT or OUT_OF_RANGE", id,
            count);
  }
  check_same(read(source, {0}).front(), before.front(), 0, "after a read that was refused");
}

bool is_same(const trainhost_source_info& a, const trainhost_source_info& b) {
  return a.num_samples == b.num_samples && a.num_fields == b.num_fields && a.num_blocks == b.num_blocks && std::memcmp(a.fingerprint, b.fingerprint, 32) == 0;
}

void fingerprint_is_stable(const Subject& subject) {
  Specimen source(subject), other(subject);
  source.begin(), other.begin();
  const trainhost_source_info info = info_of(source);
  require(is_same(info, info_of(source)), "asked twice, info answers otherwise");
  require(is_same(info, info_of(other)), "info of another instance of the same settings is another one, or its fingerprint");
  (void)read(source, some_ids(source));
  require(is_same(info, info_of(source)), "after a read, info answers otherwise");
  require(std::any_of(std::begin(info.fingerprint), std::end(info.fingerprint), [](std::uint8_t byte) { return byte != 0; }),
          "the fingerprint is all zeroes; make it of content and config");
}

void info_is_sound(const Subject& subject) {
  Specimen source(subject);
  source.begin();
  const trainhost_source_info info = info_of(source);
  std::set<std::string_view> names;
  for (std::uint32_t i = 0; i < info.num_fields; ++i) {
    const trainhost_field& field = *info.fields[i];
    require(field.struct_size >= sizeof field && field.name.length > 0, "field {} is too small or has no name", i);
    require(names.insert(view(field.name)).second, "two fields are named \"{}\"", view(field.name));
    require(field.role >= TRAINHOST_FIELD_INPUT && field.role <= TRAINHOST_FIELD_WEIGHT, "field \"{}\" has the role {}", view(field.name), field.role);
    require(field.dtype.lanes == 1 && field.dtype.bits % 8 == 0 && field.dtype.bits >= 8 && field.dtype.bits <= 64, "field \"{}\" has no known format",
            view(field.name));
    require(field.ndim >= 0 && field.ndim <= 8, "field \"{}\" has {} dimensions, wanted 0 to 8", view(field.name), field.ndim);
  }
  require(info.num_blocks == 0 || info.block_starts, "num_blocks is {}, but block_starts is NULL", info.num_blocks);
  for (std::uint64_t i = 0; i < info.num_blocks; ++i) {
    const std::uint64_t start = info.block_starts[i];
    require(i == 0 ? start == 0 : start > info.block_starts[i - 1], "block {} starts at sample {}; starts ascend from 0", i, start);
    require(start < info.num_samples, "block {} starts at sample {}, of {}", i, start, info.num_samples);
  }
}

void passes_a_failed_reserve_on(const Subject& subject) {
  Specimen source(subject);
  source.begin();
  const std::vector<std::uint64_t> ids = some_ids(source);
  const auto before = read(source, ids);
  for (const std::uint64_t fails_at : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{ids.size()}}) {
    const Said said = try_read(source, ids, {.fails_at = fails_at}).said;
    if (fails_at >= ids.size() * info_of(source).num_fields) continue;
    require(said.status == TRAINHOST_RESOURCE_EXHAUSTED, "reserve failed with RESOURCE_EXHAUSTED, read answers {}; pass it on", text_of(said));
  }
  require(read(source, ids) == before, "after a read that failed, the samples have other bytes");
}

void lengths_are_those_of_the_samples(const Subject& subject) {
  Specimen source(subject);
  source.begin();
  const auto* table = source.find<trainhost_data_lengths>(TRAINHOST_DATA_LENGTHS);
  if (!table) skip("it has no {}", TRAINHOST_DATA_LENGTHS);
  const std::vector<std::uint64_t> ids = some_ids(source), lengths = lengths_of(source, *table, ids);
  const Reading reading = try_read(source, ids);
  for (std::size_t i = 0; i < ids.size(); ++i)
    require(lengths[i] == reading.targets[i].size(), "lengths says {} targets for sample {}, which has {} that count", lengths[i], ids[i],
            reading.targets[i].size());
}

void text_comes_back(const Subject& subject) {
  Specimen source(subject);
  source.begin();
  const auto* text = source.find<trainhost_text>(TRAINHOST_TEXT);
  if (!text) skip("it has no {}", TRAINHOST_TEXT);
  const std::string words = decoded(source, *text, encoded(source, *text, kWords));
  require(words == kWords, "\"{}\" comes back as \"{}\"", kWords, words);
}

constexpr FailingCall kDataSourceFailing[] = {{"read of a sample that does not exist", [](const Specimen& source, trainhost_error* error) {
                                       const std::uint64_t id = UINT64_MAX, key = 0;
                                       const trainhost_read wanted{sizeof wanted, 0, 1, &id, &key};
                                       const trainhost_batch_writer writer{
                                           nullptr, [](void*, std::uint64_t, std::uint32_t, const std::int64_t*, trainhost_tensor*, trainhost_error* words) {
                                             return detail::fail(words, TRAINHOST_INVALID_ARGUMENT, "no such sample");
                                           }};
                                       return source.need<trainhost_data_source>(TRAINHOST_DATA_SOURCE).read(source.c(), &wanted, &writer, error);
                                     }}};

constexpr std::string_view kDataSourceKind = "data_source";
constexpr Question kDataSourceQuestions[] = {
    {"data_source/info_is_sound", "Fields and blocks are what the header says", kDataSourceKind, Scope::kPlugin, answer<info_is_sound>},
    {"data_source/fingerprint_is_stable", "The same settings and content have one fingerprint", kDataSourceKind, Scope::kPlugin, answer<fingerprint_is_stable>},
    {"data_source/same_ids_same_bytes", "The same ids give the same bytes, in any order and company", kDataSourceKind, Scope::kPlugin, answer<same_ids_same_bytes>},
    {"data_source/kept_samples_ignore_their_keys", "Samples that may be kept do not depend on their random keys", kDataSourceKind, Scope::kPlugin, answer<kept_samples_ignore_their_keys>},
    {"data_source/ids_out_of_range_are_refused", "There are no samples beyond the last", kDataSourceKind, Scope::kPlugin, answer<ids_out_of_range_are_refused>},
    {"data_source/passes_a_failed_reserve_on", "A reserve that fails is returned from read", kDataSourceKind, Scope::kPlugin, answer<passes_a_failed_reserve_on>},
    {"data_source/lengths_are_those_of_the_samples", "Lengths are the targets that count", kDataSourceKind, Scope::kPlugin, answer<lengths_are_those_of_the_samples>},
    {"data_source/text_comes_back", "Encoded and decoded, a text is the same", kDataSourceKind, Scope::kPlugin, answer<text_comes_back>},
};

}  // namespace

const KindCalls kDataSourceCalls{kDataSourceKind, use_data_source, use_from_any_thread, kDataSourceFailing};
std::span<const Question> data_source_questions() { return kDataSourceQuestions; }

}  // namespace trainhost::conformance
