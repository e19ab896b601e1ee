// The store's failures never reach a read; the upstream's pass through as they are.
#include "kept_source.h"

#include <algorithm>
#include <cstring>

#include <trainhost/cpp/report.hpp>
#include <trainhost/draft/sample_identity.h>

#include "files/byte_size.h"
#include "files/fingerprint.h"
#include "misses.h"

namespace trainhost::sample_cache {
namespace {

constexpr size_t kLookedAtTwice = 8;   // of the first samples that are missing, in each run
constexpr int64_t kTellMs = 10'000;    // how often numbers are reported, and sooner when a quarter was added to them
constexpr uint64_t kOtherKeys = 0x9e3779b97f4a7c15;

std::string hex(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += format("{:02x}", byte);
  return text;
}

Key key_of(const trainhost_sample_facts& facts, const trainhost_source_info& info, std::span<const FieldLayout> layouts) {
  Fingerprint key(format("samples/1 {} {} {}", hex(facts.stamp), hex(info.fingerprint), info.num_samples));
  for (const FieldLayout& layout : layouts) {
    std::string line = format("{} {} {}", layout.name, static_cast<int>(layout.dtype.code), static_cast<int>(layout.dtype.bits));
    for (size_t axis = 0; axis < layout.shape.size(); ++axis) line += format(" {}:{}", layout.shape[axis], layout.max_shape[axis]);
    key.add(line);
  }
  return key.value();
}

}  // namespace

KeptSource::KeptSource(const Host& host, Upstream<trainhost_data_source> upstream, Place place) : host_(host), upstream_(upstream) { open(std::move(place)); }

KeptSource::~KeptSource() {
  if (!store_) return;
  tell_now();
  host_.log_info("{} samples out of the cache, {} read from the source; {} are kept, {} written by this run", hits_.load(), misses_.load(), store_->num_samples(),
                 byte_size_text(store_->appended_bytes()));
}

void KeptSource::open(Place place) {
  const auto* table = static_cast<const trainhost_sample_identity*>(upstream_.instance->get_interface(upstream_.instance, TRAINHOST_SAMPLE_IDENTITY));
  if (!table) {
    host_.log_warning("the source does not say whether its samples depend on random keys (it has no {}), so nothing of it is kept", TRAINHOST_SAMPLE_IDENTITY);
    return;
  }
  trainhost_sample_facts facts{sizeof facts, 1, {}, {}};
  call(table->facts, upstream_.instance, &facts);
  if (facts.uses_random_keys) {
    host_.log_warning("the samples of this source are drawn anew in each epoch, as its keys say (such as crop = \"random\" or flip), so nothing of it is kept");
    return;
  }
  trainhost_source_info info{};
  info.struct_size = sizeof info;
  call(upstream_.table->info, upstream_.instance, &info);
  layouts_ = layouts_of(info);
  const std::string root = place.root.string();
  store_ = std::make_unique<SampleStore>(SampleStore::Options{std::move(place.root), key_of(facts, info, layouts_), std::string(view(facts.description)), place.limit_bytes},
                                         [this](const std::string& words) { host_.log_warning("{}", words); });
  host_.log_info("{} of {} samples are kept in {}", store_->num_samples(), info.num_samples, root);
}

void KeptSource::read(const trainhost_read& wanted, const trainhost_batch_writer& batch) {
  if (!store_ || is_drawn_) return call(upstream_.table->read, upstream_.instance, &wanted, &batch);
  std::vector<size_t> missing;
  std::vector<std::byte> record;
  for (size_t i = 0; i < wanted.num_samples; ++i) {
    host_.throw_if_cancelled();
    if (!give(wanted.ids[i], i, batch, record)) missing.push_back(i);
  }
  hits_ += wanted.num_samples - missing.size();
  misses_ += missing.size();
  if (!missing.empty()) read_misses(wanted, missing, batch);
  tell();
}

// Nothing is reserved before all is known to be right, so that a sample that is not can still come from the upstream.
bool KeptSource::give(uint64_t id, size_t position, const trainhost_batch_writer& batch, std::vector<std::byte>& record) {
  if (!store_->read(id, record)) return false;
  std::vector<FieldView> fields;
  if (!read_sample(layouts_, std::span<const std::byte>(record).subspan(Segment::kRecordHeaderBytes), fields)) return false;
  for (uint32_t field = 0; field < fields.size(); ++field) {
    trainhost_tensor place{};
    call(batch.reserve, batch.impl, static_cast<uint64_t>(position), field, fields[field].shape.data(), &place);
    if (!fields[field].data.empty()) std::memcpy(static_cast<std::byte*>(place.data) + place.byte_offset, fields[field].data.data(), fields[field].data.size());
  }
  return true;
}

void KeptSource::read_misses(const trainhost_read& wanted, std::span<const size_t> positions, const trainhost_batch_writer& batch) {
  std::vector<uint64_t> ids, keys;
  for (const size_t position : positions) {
    ids.push_back(wanted.ids[position]);
    keys.push_back(wanted.random_keys[position]);
  }
  MissWriter misses(batch, positions, layouts_.size());
  const trainhost_read upstream_wanted{sizeof upstream_wanted, wanted.flags, ids.size(), ids.data(), keys.data()};
  const trainhost_batch_writer writer = misses.writer();
  call(upstream_.table->read, upstream_.instance, &upstream_wanted, &writer);
  if (!store_->is_keeping()) return;

  std::vector<std::vector<std::byte>> records;
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto fields = misses.fields_of(i);
    if (std::any_of(fields.begin(), fields.end(), [](const trainhost_tensor& field) { return !field.data; })) return;  // the host will refuse this batch
    records.emplace_back(Segment::kRecordHeaderBytes);
    write_sample(layouts_, fields, records.back());
  }
  std::call_once(second_look_, [&] { look_again(ids, keys, records); });
  for (size_t i = 0; i < ids.size() && !is_drawn_; ++i) store_->append(ids[i], records[i]);
}

// A source that says that its samples do not depend on their keys is held to it before anything is kept.
void KeptSource::look_again(std::span<const uint64_t> ids, std::span<const uint64_t> keys, const std::vector<std::vector<std::byte>>& first) {
  const size_t count = std::min(ids.size(), kLookedAtTwice);
  std::vector<uint64_t> other_keys;
  for (size_t i = 0; i < count; ++i) other_keys.push_back(keys[i] ^ kOtherKeys);
  OwnWriter own(layouts_, count);
  const trainhost_read again{sizeof again, 0, count, ids.data(), other_keys.data()};
  const trainhost_batch_writer writer = own.writer();
  call(upstream_.table->read, upstream_.instance, &again, &writer);
  for (size_t i = 0; i < count; ++i) {
    std::vector<std::byte> record(Segment::kRecordHeaderBytes);
    write_sample(layouts_, own.fields_of(i), record);
    if (record == first[i]) continue;
    is_drawn_ = true;
    host_.log_error("the source says that its samples do not depend on their random keys, but sample {} has other bytes with another key; nothing of it is kept. Correct the source",
                    ids[i]);
    return;
  }
}

void KeptSource::tell() {
  const int64_t now = steady_ms();
  const uint64_t samples = hits_ + misses_, told = told_samples_;
  int64_t before = told_ms_;
  if (now - before < kTellMs && samples < told + told / 4 + 1) return;
  if (told_ms_.compare_exchange_strong(before, now)) tell_now();
}

void KeptSource::tell_now() {
  told_samples_ = hits_ + misses_;
  report(host_, "cache",
         {{"hits", static_cast<double>(hits_)},
          {"misses", static_cast<double>(misses_)},
          {"kept_samples", static_cast<double>(store_->num_samples())},
          {"written_bytes", static_cast<double>(store_->appended_bytes())},
          {"damaged_segments", static_cast<double>(store_->damaged())},
          {"is_keeping", store_->is_keeping() ? 1.0 : 0.0}});
}

}  // namespace trainhost::sample_cache
