// Sums of the calling thread.
#include "plugin/read_stages.h"

#include <trainhost/data_stages.h>

namespace trainhost {
namespace {

thread_local ReadStages* present_stages = nullptr;

}  // namespace

ReadStages::ReadStages() : outer_(present_stages) { present_stages = this; }

ReadStages::~ReadStages() { present_stages = outer_; }

void ReadStages::add(int32_t stage, uint64_t nanoseconds) {
  if (!present_stages) return;
  if (stage == TRAINHOST_STAGE_DECODE) present_stages->decode_ns_ += nanoseconds;
  if (stage == TRAINHOST_STAGE_TRANSFORM) present_stages->transform_ns_ += nanoseconds;
}

}  // namespace trainhost
