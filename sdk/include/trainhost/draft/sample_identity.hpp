// Sources whose samples may be kept, in C++; what the answer means: trainhost/draft/sample_identity.h. Include it beside plugin.hpp.
#pragma once

#include <array>
#include <string>

#include "trainhost/cpp/data_source.hpp"
#include "trainhost/draft/sample_identity.h"

namespace trainhost::inline sdk {

struct SampleFacts {
  bool uses_random_keys = true;  // whether the bytes of some sample depend on its random key
  std::array<std::uint8_t, 32> stamp{};
  std::string description;
};

// The base, in place of DataSource, of a source that answers.
class IdentifiedSource : public DataSource {
 public:
  virtual SampleFacts sample_facts() = 0;  // [main] after start

  const void* interface(std::string_view id) override { return id == TRAINHOST_SAMPLE_IDENTITY ? &kTable : DataSource::interface(id); }

 private:
  static trainhost_status c_facts(trainhost_instance* instance, trainhost_sample_facts* out, trainhost_error* error) noexcept {
    return detail::guard(error, [&] {
      auto& self = detail::object<IdentifiedSource>(instance);
      self.facts_ = self.sample_facts();
      trainhost_sample_facts facts{sizeof facts, self.facts_.uses_random_keys, {}, c_string(self.facts_.description)};
      std::copy(self.facts_.stamp.begin(), self.facts_.stamp.end(), facts.stamp);
      detail::write_struct(out, facts);
    });
  }
  static constexpr trainhost_sample_identity kTable{sizeof(trainhost_sample_identity), 0, &c_facts};

  SampleFacts facts_;  // the C struct points into it
};

}  // namespace trainhost::inline sdk
