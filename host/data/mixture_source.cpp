// Requests are taken apart by part and put together again.
#include "data/mixture_source.h"

#include <algorithm>

#include "base/sha256.h"
#include "plugin/call.h"

namespace trainhost {
namespace {

// What a part writes lands where the whole batch wants it.
class PartWriter final : public BatchWriter {
 public:
  PartWriter(BatchWriter& whole, std::span<const size_t> positions) : whole_(whole), positions_(positions) {}
  void reserve(uint64_t sample_index, uint32_t field, std::span<const int64_t> shape, trainhost_tensor& out) override {
    whole_.reserve(positions_[sample_index], field, shape, out);
  }

 private:
  BatchWriter& whole_;
  std::span<const size_t> positions_;
};

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t length : shape) text += format("{}{}", text.empty() ? "" : " x ", length);
  return "[" + text + "]";
}

std::string format_text(trainhost_dtype dtype) { return format("code {} of {} bits", uint32_t{dtype.code}, uint32_t{dtype.bits}); }

// Empty: the fields are alike.
std::string difference_of(const FieldSpec& a, const FieldSpec& b) {
  const auto differ = [](const char* what, const auto& one, const auto& other) { return format("{} {} and {}", what, one, other); };
  if (a.name != b.name) return differ("is called", a.name, b.name);
  if (a.role != b.role) return differ("has the role", a.role, b.role);
  if (a.dtype.code != b.dtype.code || a.dtype.bits != b.dtype.bits) return differ("has the format", format_text(a.dtype), format_text(b.dtype));
  if (a.shape != b.shape) return differ("has the shape", shape_text(a.shape), shape_text(b.shape));
  if (a.max_shape != b.max_shape) return differ("has the largest shape", shape_text(a.max_shape), shape_text(b.max_shape));
  if (a.num_classes != b.num_classes) return differ("has classes:", a.num_classes, b.num_classes);
  if (a.pad_value != b.pad_value) return differ("is filled up with", a.pad_value, b.pad_value);
  return "";
}

void require_alike(const MixtureSource::Part& a, const MixtureSource::Part& b) {
  const std::vector<FieldSpec>&one = a.source->info().fields, &other = b.source->info().fields;
  const std::string place = format("data.mixture: the parts \"{}\" ({}) and \"{}\" ({})", a.name, a.source->name(), b.name, b.source->name());
  const std::string remedy = "all parts feed one model: make their keys agree, or leave one out";
  if (one.size() != other.size()) throw Error(ExitCode::kData, format("{} have {} and {} fields; {}", place, one.size(), other.size(), remedy));
  for (size_t i = 0; i < one.size(); ++i)
    if (const std::string difference = difference_of(one[i], other[i]); !difference.empty())
      throw Error(ExitCode::kData, format("{} do not agree: field {} ({}) {}; {}", place, i, one[i].name, difference, remedy));
}

}  // namespace

MixtureSource::MixtureSource(std::vector<Part> parts) : parts_(std::move(parts)) {
  std::string identity = "mixture/1";
  for (const Part& part : parts_) {
    require_alike(parts_.front(), part);
    const SourceInfo& info = part.source->info();
    first_ids_.push_back(info_.num_samples);
    info_.num_samples += info.num_samples;
    identity += format(" {}:{} {} ", part.name.size(), part.name, part.weight);
    identity.append(reinterpret_cast<const char*>(info.fingerprint.data()), info.fingerprint.size());
  }
  info_.block_starts = first_ids_;
  const std::string digest = sha256(identity);
  for (size_t i = 0; i < info_.fingerprint.size(); ++i) info_.fingerprint[i] = static_cast<uint8_t>(std::stoul(digest.substr(2 * i, 2), nullptr, 16));
  take_fields();
}

size_t MixtureSource::part_of(uint64_t id) const { return static_cast<size_t>(std::upper_bound(first_ids_.begin(), first_ids_.end(), id) - first_ids_.begin()) - 1; }

std::string MixtureSource::id_text(uint64_t id) const {
  const size_t part = part_of(id);
  return format("{} of \"{}\"", id - first_ids_[part], parts_[part].name);
}

std::vector<MixturePart> MixtureSource::parts() const {
  std::vector<MixturePart> parts;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const SourceInfo& info = parts_[i].source->info();
    parts.push_back({parts_[i].name, parts_[i].weight, first_ids_[i], info.num_samples, info.block_starts});
  }
  return parts;
}

template <class Use>
void MixtureSource::each_part(std::span<const uint64_t> ids, const Use& use) const {
  std::vector<std::vector<size_t>> positions(parts_.size());
  for (size_t i = 0; i < ids.size(); ++i) positions[part_of(ids[i])].push_back(i);
  for (size_t part = 0; part < parts_.size(); ++part) {
    if (positions[part].empty()) continue;
    try {
      use(part, positions[part]);
    } catch (const PluginCallError& error) {
      throw PluginCallError(error.code(), error.plugin(), error.status(), format("part \"{}\": {}", parts_[part].name, error.what()));
    }
  }
}

void MixtureSource::read(std::span<const uint64_t> ids, std::span<const uint64_t> random_keys, BatchWriter& writer) const {
  each_part(ids, [&](size_t part, const std::vector<size_t>& positions) {
    std::vector<uint64_t> own_ids, own_keys;
    for (const size_t position : positions) own_ids.push_back(ids[position] - first_ids_[part]), own_keys.push_back(random_keys[position]);
    PartWriter own(writer, positions);
    parts_[part].source->read(own_ids, own_keys, own);
  });
}

bool MixtureSource::has_lengths() const {
  return std::all_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.source->has_lengths(); });
}

std::vector<uint64_t> MixtureSource::lengths(std::span<const uint64_t> ids) const {
  std::vector<uint64_t> lengths(ids.size());
  each_part(ids, [&](size_t part, const std::vector<size_t>& positions) {
    std::vector<uint64_t> own_ids;
    for (const size_t position : positions) own_ids.push_back(ids[position] - first_ids_[part]);
    const std::vector<uint64_t> own = parts_[part].source->lengths(own_ids);
    for (size_t i = 0; i < positions.size(); ++i) lengths[positions[i]] = own[i];
  });
  return lengths;
}

void MixtureSource::leave_behind() const {
  for (const Part& part : parts_) part.source->leave_behind();
}

}  // namespace trainhost
