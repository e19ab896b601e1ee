// What a source says of its stages is summed for the read of its thread, and for no other.
#include "plugin/read_stages.h"

#include <thread>

#include <trainhost/data_stages.h>

#include "plugin/plugin_testing.h"
#include "plugin/services.h"

namespace trainhost {
BOOST_AUTO_TEST_SUITE(read_stages_test)

BOOST_AUTO_TEST_CASE(decode_and_transform_are_summed_and_the_rest_is_read) {
  const ReadStages stages;
  for (const auto& [stage, nanoseconds] : {std::pair<int32_t, uint64_t>{TRAINHOST_STAGE_DECODE, 5u}, {TRAINHOST_STAGE_TRANSFORM, 7u}, {TRAINHOST_STAGE_DECODE, 1u}, {TRAINHOST_STAGE_READ, 90u}, {99, 80u}})
    ReadStages::add(stage, nanoseconds);
  BOOST_TEST(stages.decode_ns() == 6u);
  BOOST_TEST(stages.transform_ns() == 7u);
}

BOOST_AUTO_TEST_CASE(the_inner_read_counts_and_outside_of_a_read_nothing_does) {
  ReadStages::add(TRAINHOST_STAGE_DECODE, 1);
  const ReadStages outer;
  {
    const ReadStages inner;
    ReadStages::add(TRAINHOST_STAGE_DECODE, 2);
    BOOST_TEST(inner.decode_ns() == 2u);
  }
  std::jthread([] { ReadStages::add(TRAINHOST_STAGE_DECODE, 4); }).join();
  BOOST_TEST(outer.decode_ns() == 0u);
  ReadStages::add(TRAINHOST_STAGE_DECODE, 8);
  BOOST_TEST(outer.decode_ns() == 8u);
}

BOOST_AUTO_TEST_CASE(the_service_is_for_sources_alone) {
  const auto source = zoo_instance("kinds", "zoo_source", "");
  const auto* service = static_cast<const trainhost_data_stages*>(HostTables::find(*source, TRAINHOST_DATA_STAGES));
  BOOST_REQUIRE(service);
  const ReadStages stages;
  service->add(nullptr, TRAINHOST_STAGE_TRANSFORM, 3);
  BOOST_TEST(stages.transform_ns() == 3u);
  BOOST_TEST(!HostTables::find(*zoo_instance("kinds", "zoo_policy", ""), TRAINHOST_DATA_STAGES));
  BOOST_TEST(run_offers(source->record(), TRAINHOST_DATA_STAGES));
}

BOOST_AUTO_TEST_SUITE_END()
}  // namespace trainhost
