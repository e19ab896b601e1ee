// data_source/parquet where Arrow C++ was not there when it was built: takes the same keys and says what is missing.
#include "config.h"

namespace {

using namespace trainhost;

class WithoutArrow final : public DataSource {
 public:
  explicit WithoutArrow(const parquet_source::Config&) {
    throw PluginError(TRAINHOST_FAILED_PRECONDITION,
                      "parquet: this build has no Arrow C++, which comes with the Python package pyarrow; run `scripts/setup test`, then `make build`");
  }

  const SourceInfo& info() override { return info_; }
  void read(std::span<const std::uint64_t>, std::span<const std::uint64_t>, BatchWriter&) override {}

 private:
  SourceInfo info_;
};

}  // namespace

TRAINHOST_PLUGIN(WithoutArrow, {.kind = "data_source",
                                .name = "parquet",
                                .version = "1.0.0",
                                .summary = "rows of Parquet files (unusable: built without Arrow C++; run scripts/setup test and build again)",
                                .schema = parquet_source::kSchema})
