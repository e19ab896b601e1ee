// Recording of CUDA work as a graph.
#pragma once
#include <functional>
#include <memory>

#include <c10/core/Device.h>

#include "engine/device.h"

namespace trainhost {

/// Device::record() on the current stream, which is not the default one.
std::unique_ptr<Recording> record_graph(c10::DeviceIndex device, const std::function<void()>& work);

}  // namespace trainhost
