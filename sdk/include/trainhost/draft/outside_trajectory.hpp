// Draft. For a plugin that changes no number of a run, whatever its keys say: a resume may add it, leave it out and change it. Include it beside plugin.hpp.
#pragma once

#include "trainhost/cpp/schema.hpp"

namespace trainhost::inline sdk {

// `.schema = kOutside` with `constexpr OutsideTrajectory kOutside{kSchema};`
template <class Config>
class OutsideTrajectory final : public detail::SchemaBase {
 public:
  explicit constexpr OutsideTrajectory(const Schema<Config>& schema) : schema_(schema) {}

  constexpr void write(detail::JsonText& out) const override {
    if (!std::is_constant_evaluated()) return;
    schema_.write(out);
    --out.size;  // the brace that closes the schema
    out.raw(",\"x-trajectory\":false}");
  }
  std::unique_ptr<Plugin> make(std::string_view json, detail::Construct construct) const override { return schema_.make(json, construct); }

 private:
  Schema<Config> schema_;
};

}  // namespace trainhost::inline sdk
