// Arithmetic of positions.
#include "data/window.h"

namespace trainhost {

Position advanced(Position position, uint64_t samples, uint64_t epoch_samples) {
  const uint64_t ahead = position.epoch_position + samples;
  position.epoch += ahead / epoch_samples;
  position.epoch_position = ahead % epoch_samples;
  position.samples_total += samples;
  return position;
}

}  // namespace trainhost
