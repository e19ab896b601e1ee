// Several data sources as one: the ids of each part follow those of the part before.
#pragma once
#include <string>
#include <vector>

#include "plugin/data_source.h"

namespace trainhost {

class MixtureSource final : public SampleSource {
 public:
  struct Part {
    std::string name;
    double weight = 1;
    const DataSource* source = nullptr;  // whose info() was asked; outlives the mixture
  };
  /// Throws Error(kData) that names two parts and what of their fields differs: all parts feed one model.
  explicit MixtureSource(std::vector<Part> parts);

  /// Of limit_values(), which the parts know.
  void take_fields() { info_.fields = parts_.front().source->info().fields; }

  const SourceInfo& info() const override { return info_; }
  void read(std::span<const uint64_t> ids, std::span<const uint64_t> random_keys, BatchWriter& writer) const override;
  bool has_lengths() const override;
  std::vector<uint64_t> lengths(std::span<const uint64_t> ids) const override;
  std::string name() const override { return "data.mixture"; }
  std::string id_text(uint64_t id) const override;
  std::vector<MixturePart> parts() const override;
  void leave_behind() const override;

 private:
  size_t part_of(uint64_t id) const;
  /// Calls use(part, positions in `ids`) for each part that is asked for.
  template <class Use>
  void each_part(std::span<const uint64_t> ids, const Use& use) const;

  std::vector<Part> parts_;
  std::vector<uint64_t> first_ids_;
  SourceInfo info_;
};

}  // namespace trainhost
